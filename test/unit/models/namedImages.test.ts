import { EDIT_MODELS } from '../../../nodes/WanVideoEdit/models';
import { missingImage } from '../../../nodes/WanVideoEdit/models/namedImages';
import { wan27I2v } from '../../../nodes/WanVideoEdit/models/wan27I2v';

const [spec] = EDIT_MODELS;

/** What is said of a prompt with so many images. */
const said = (prompt: string, count: number, model = spec) => {
	const source = { from: 'url', field: 'Image URL', url: 'https://example.com/1.png' } as const;
	const media = Array.from({ length: count }, () => ({ place: 'image', source }));
	return model && missingImage(model, { model: model.id, prompt, media, values: {} });
};

test.each([
	['Put the sweater from Image 1 on him', 1],
	['Image 1 and image2 as they are', 2],
	['把图1的毛衣穿在他身上', 1],
	['Turn the scene into claymation', 0],
	['in the style of an image 3D artists make', 0],
	['像截图2024一样', 0],
])('%s, with %d images: nothing to say', (prompt, count) => {
	expect(said(prompt, count)).toBeUndefined();
});

test.each([
	['Put the sweater from Image 1 on him', 0, /names Image 1, but no image was sent/],
	['Image 3 for the hat, Image 1 for the coat', 1, /names Image 3, but only 1 image was sent/],
	['参考图片3的颜色', 2, /names Image 3, but only 2 were sent/],
])('%s, with %d images', (prompt, count, sentence) => {
	expect(said(prompt, count)).toMatch(sentence);
});

test('a model without reference images', () => {
	expect(said('Image 3 comes alive', 0, wan27I2v)).toBeUndefined();
});
