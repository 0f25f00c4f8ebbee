const { rm } = require('node:fs/promises');
const { src, dest, parallel } = require('gulp');

// Binary-safe copies: gulp 5 would otherwise re-encode PNG files as UTF-8.
const raw = { encoding: false };

const icons = () => src('icons/*.{svg,png}', raw).pipe(dest('dist/icons'));
const codex = () => src('nodes/**/*.node.json', raw).pipe(dest('dist/nodes'));
const entry = () => src('index.js', raw).pipe(dest('dist'));

// What is no longer built must not be shipped.
exports.clean = () => rm('dist', { recursive: true, force: true });
exports.default = parallel(icons, codex, entry);
