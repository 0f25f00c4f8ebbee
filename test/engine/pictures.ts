/** A BMP picture of about three bytes a pixel: the shortest way to a real image of a wanted size. */
export function bmp(width: number, height: number, shade = 128): Buffer {
	const rowBytes = Math.ceil((width * 3) / 4) * 4;
	const file = Buffer.alloc(54 + rowBytes * height, shade);
	file.write('BM', 0, 'latin1');
	file.writeUInt32LE(file.length, 2);
	file.writeUInt32LE(0, 6);
	file.writeUInt32LE(54, 10);
	file.writeUInt32LE(40, 14);
	file.writeInt32LE(width, 18);
	file.writeInt32LE(height, 22);
	file.writeUInt16LE(1, 26);
	file.writeUInt16LE(24, 28);
	file.fill(0, 30, 54);
	return file;
}

/** A BMP of at least so many bytes. */
export function bmpOf(bytes: number, shade?: number): Buffer {
	const width = 1200;
	return bmp(width, Math.ceil(bytes / (width * 3)), shade);
}
