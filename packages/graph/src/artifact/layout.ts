/**
 * The folder of a compiled network, to the name as upstream's compiler lays it out. What is in the files is our own:
 * see the README.
 */
export const MANIFEST = 'net_params.json';

const APU = 'Net_0/apu_0';
const CHIP = `${APU}/apu_x`;
const CASE = `${APU}/case0/net0/chip0/tv_mem/data`;
const BATCH = `${APU}/data/100`;

export const FILES = {
  topGraph: 'Net_0/top_graph.json',
  library: `${APU}/apu_lib.bin`,
  graph: `${APU}/prim_graph.bin`,
  log: `${APU}/fpga_config.log`,
  chip: `${CHIP}/apu.json`,
  commands: `${CHIP}/cmd.bin`,
  synapses: `${CHIP}/core.bin`,
  parameters: `${CHIP}/dat.bin`,
  stateConfig: `${CHIP}/ddr_config.bin`,
  initialState: `${CHIP}/ddr.dat`,
  stateAccess: `${CHIP}/ddr_lut.bin`,
  stateTable: `${CHIP}/lookup_ddr_addr.bin`,
  transfers: `${CHIP}/pi_ddr_config.bin`,
  layers: `${CHIP}/snn.json`,
  sequence: `${CHIP}/super_cmd.bin`,
  caseInput: `${CASE}/input.dat`,
  caseOutput: `${CASE}/output.dat`,
  caseState: `${CASE}/output_ddr.dat`,
  batchAbout: `${BATCH}/dat.bin`,
  batchInput: `${BATCH}/input.dat`,
  batchOutput: `${BATCH}/output.dat`,
  batchFirstState: `${BATCH}/output_ddr.dat`,
  batchLastState: `${BATCH}/output_ddr_2.dat`,
} as const;

/** The model's identity; upstream has a time stamp where we have a hash of the contents. */
export const modelFile = (hash: string): string => `${CHIP}/lyn__${hash}.mdl`;
export const MODEL_FILE = /^Net_0\/apu_0\/apu_x\/lyn__([0-9a-f]{32})\.mdl$/;
