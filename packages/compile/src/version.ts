/** This package's version: artifacts and ONNX files name it as their producer. A spec holds it to package.json. */
export const VERSION = '0.1.0';
