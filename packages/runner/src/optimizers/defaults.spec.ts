import './builtin.js';
import { optimizers } from './optimizer.js';

/** Arguments and defaults of torch.optim 2.15, without those that say how to compute it (foreach, fused, ...). */
const torch = {
  SGD: { lr: 0.001, momentum: 0, dampening: 0, weight_decay: 0, nesterov: false, maximize: false },
  Adam: {
    ...{ lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0, amsgrad: false, maximize: false },
    decoupled_weight_decay: false,
  },
  AdamW: { lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01, amsgrad: false, maximize: false },
  NAdam: {
    ...{ lr: 0.002, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0, maximize: false },
    ...{ momentum_decay: 0.004, decoupled_weight_decay: false },
  },
  RAdam: {
    ...{ lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0, maximize: false },
    decoupled_weight_decay: false,
  },
  Adamax: { lr: 0.002, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0, maximize: false },
  Adagrad: {
    ...{ lr: 0.01, lr_decay: 0, weight_decay: 0, initial_accumulator_value: 0, eps: 1e-10 },
    maximize: false,
  },
  Adadelta: { lr: 1, rho: 0.9, eps: 1e-6, weight_decay: 0, maximize: false },
  RMSprop: {
    ...{ lr: 0.01, alpha: 0.99, eps: 1e-8, weight_decay: 0, momentum: 0, centered: false },
    maximize: false,
  },
  Rprop: { lr: 0.01, etas: [0.5, 1.2], step_sizes: [1e-6, 50], maximize: false },
  ASGD: { lr: 0.01, lambd: 1e-4, alpha: 0.75, t0: 1e6, weight_decay: 0, maximize: false },
  LBFGS: {
    ...{ lr: 1, max_iter: 20, tolerance_grad: 1e-7, tolerance_change: 1e-9, history_size: 100 },
    maximize: false,
  },
};

it.each(Object.entries(torch))('%s has the defaults of PyTorch', (type, defaults) => {
  expect(optimizers.check({ type }, 'optimizer')).toMatchObject(defaults);
});

it('is all of them', () => {
  expect(optimizers.types()).toEqual(Object.keys(torch).sort());
});

it('takes the arguments that only say how PyTorch computes, and refuses one that it cannot keep', () => {
  const how = { foreach: null, fused: true, capturable: false, differentiable: false };
  expect(() => optimizers.check({ type: 'Adam', ...how }, 'optimizer')).not.toThrow();
  expect(() => optimizers.check({ type: 'Adam', differentiable: true }, 'optimizer')).toThrow(
    /optimizer\.differentiable must be false/,
  );
});

it.each(Object.keys(torch))('%s names the nearest of an unknown argument', (type) => {
  expect(() => optimizers.check({ type, maximise: true }, 'optimizer')).toThrow(
    /optimizer\.maximise is not a known key\. Did you mean "maximize"\?/,
  );
});
