import { validationInterval } from './workflow.js';

type Workflow = Parameters<typeof validationInterval>[0];

it.each<[Workflow, number]>([
  [[['train', 1]], 1],
  [[['train', 5]], 1],
  [
    [
      ['train', 1],
      ['val', 1],
    ],
    1,
  ],
  [
    [
      ['train', 3],
      ['val', 1],
    ],
    3,
  ],
])('%j validates after every %i epochs', (workflow, interval) => {
  expect(validationInterval(workflow)).toBe(interval);
});

it.each<[Workflow, RegExp]>([
  [[], /^workflow\[0\] must train/],
  [[['val', 1]], /^workflow\[0\] must train/],
  [
    [
      ['train', 2],
      ['train', 1],
    ],
    /^workflow\[1\] trains again/,
  ],
  [
    [
      ['train', 1],
      ['val', 2],
    ],
    /^workflow\[1\]\[1\] is 2: validating twice gives the same numbers\. Write \[\['train', n\], \['val', 1\]\]/,
  ],
  [
    [
      ['train', 1],
      ['val', 1],
      ['train', 1],
    ],
    /^workflow\[2\] is one phase too many/,
  ],
])('refuses %j', (workflow, message) => {
  expect(() => validationInterval(workflow)).toThrow(message);
});
