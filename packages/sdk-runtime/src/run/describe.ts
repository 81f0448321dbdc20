import type { ModelDesc } from '../driver.js';

/** The lines that describe a model, in the words of upstream's `modelDict`. */
export function describeLines(desc: ModelDesc): string[] {
  const { inputTensorAttrArray: inputs, outputTensorAttrArray: outputs } = desc;
  const shapes = (attrs: typeof inputs) => JSON.stringify(attrs.map(({ dims }) => dims));
  const facts = {
    batchsize: inputs[0].batchSize,
    inputnum: inputs.length,
    inputshape: shapes(inputs),
    inputdatalen: desc.inputDataLen,
    inputdatatype: inputs[0].dtype,
    outputnum: outputs.length,
    outputshape: shapes(outputs),
    outputdatalen: desc.outputDataLen,
    outputdatatype: outputs[0].dtype,
  };
  return [
    '######## model informations ########',
    ...Object.entries(facts).map(([key, value]) => `${key}: ${value}`),
    '####################################',
  ];
}
