// Native addons make typed arrays of Node's own realm, and onnxruntime insists on `instanceof`. Specs that run it see
// Node's typed arrays instead of a second set.
const { TestEnvironment } = require('jest-environment-node');

module.exports = class OneRealmEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    Object.assign(this.global, {
      ArrayBuffer,
      Float32Array,
      Float64Array,
      Int8Array,
      Int16Array,
      Int32Array,
      Uint8Array,
      Uint16Array,
      Uint32Array,
      BigInt64Array,
      BigUint64Array,
    });
  }
};
