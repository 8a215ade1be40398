// ONNX Runtime's CPU provider, as one of those that peers.py compares. Speaks the protocol of bench/README.md.
//
//   node ort.mjs MODULES MODEL.onnx THREADS      MODULES: the folder in which npm put node_modules
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const KIND_OF = {
  QLinearConv: 'int8', ConvInteger: 'int8', QGemm: 'int8', QLinearMatMul: 'int8', MatMulInteger: 'int8',
  MatMulIntegerToFloat: 'int8', QLinearConvTranspose: 'int8', QLinearDepthwiseConv: 'int8',
  Conv: 'float', FusedConv: 'float', NhwcFusedConv: 'float', ConvTranspose: 'float', Gemm: 'float', FusedGemm: 'float',
  MatMul: 'float', FusedMatMul: 'float',
};
const MIN_RUNS = 3, MAX_RUNS = 100000;

const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n');
const now = () => process.hrtime.bigint();
const product = (shape) => shape.reduce((a, b) => a * b, 1);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

// {shape, data} of a float32 .npy file in C order.
function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const long = bytes.length > 12 && bytes[6] > 1;
  const start = long ? 12 : 10;
  const length = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', start, start + length);
  const shape = /'shape': \(([^)]*)\)/.exec(header);
  if (bytes.toString('latin1', 1, 6) !== 'NUMPY' || !header.includes("'<f4'") || !header.includes("'fortran_order': False") || !shape) {
    throw new Error(`'${file}' is no float32 .npy file in C order`);
  }
  const extents = shape[1].split(',').map((text) => text.trim()).filter((text) => text !== '').map(Number);
  const body = bytes.subarray(start + length);
  return { shape: extents, data: new Float32Array(body.buffer.slice(body.byteOffset, body.byteOffset + body.length)) };
}

function writeNpy(file, shape, data) {
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  header = header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11) + '\n';
  const start = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.alloc(2), Buffer.from(header, 'latin1')]);
  start.writeUInt16LE(header.length, 8);
  fs.writeFileSync(`${file}.part`, Buffer.concat([start, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
  fs.renameSync(`${file}.part`, file);
}

const [modules, model, threadsText] = process.argv.slice(2);
const threads = Number(threadsText);

function open(ort, more) {
  return ort.InferenceSession.create(model, {
    executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all', logSeverityLevel: 3, ...more,
  });
}

// What really ran, from the profile of a session of its own; and what a call from JavaScript adds to a run.
async function profile(ort, feeds) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'qrun_ort_'));
  try {
    const session = await open(ort, { enableProfiling: true, profileFilePrefix: path.join(folder, 'profile') });
    const outside = [];
    for (let i = 0; i < 20; ++i) {
      const begin = now();
      await session.run(feeds);
      outside.push(Number(now() - begin) / 1e3);
    }
    session.endProfiling();
    await session.release();
    const events = JSON.parse(fs.readFileSync(path.join(folder, fs.readdirSync(folder)[0]), 'utf8'));
    const nodes = new Map();  // name -> operator
    for (const event of events) {
      if (event.cat === 'Node' && event.args?.op_name) nodes.set(event.name, event.args.op_name);
    }
    const kernels = {};
    let done = 0, of = 0;
    for (const operator of nodes.values()) {
      kernels[operator] = (kernels[operator] ?? 0) + 1;
      of += operator in KIND_OF ? 1 : 0;
      done += KIND_OF[operator] === 'int8' ? 1 : 0;
    }
    const inside = events.filter((event) => event.name === 'model_run').map((event) => event.dur);
    return {
      int8: { done, of, what: 'convolutions and matrix products', kernels },
      overhead_us: Math.max(0, median(outside) - median(inside)),
    };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function main() {
  const require = createRequire(path.join(path.resolve(modules), 'package.json'));
  const ort = require('onnxruntime-node');
  const session = await open(ort, {});
  if (session.inputNames.length !== 1 || session.outputNames.length !== 1) throw new Error('the model has several inputs or outputs');
  const [inputName] = session.inputNames, [outputName] = session.outputNames;
  // A batch that is left open is 1.
  const inputShape = session.inputMetadata[0].shape.map((extent, i) => (i === 0 ? 1 : extent));
  if (inputShape.some((extent) => typeof extent !== 'number' || extent < 1)) throw new Error(`the input's shape is open: ${inputShape}`);
  const values = new Float32Array(product(inputShape)).map(() => Math.random() * 2 - 1);
  const feeds = { [inputName]: new ort.Tensor('float32', values, inputShape) };
  const outputShape = (await session.run(feeds))[outputName].dims;
  const facts = await profile(ort, feeds);

  async function time(milliseconds) {
    const ns = [], begin = now();
    let last = begin;
    while (ns.length < MIN_RUNS || (ns.length < MAX_RUNS && Number(last - begin) < milliseconds * 1e6)) {
      await session.run(feeds);
      const at = now();
      ns.push(Number(at - last));
      last = at;
    }
    return { ns };
  }

  async function score(from, to) {
    const { shape, data } = readNpy(from);
    const size = product(inputShape), scores = product(outputShape);
    if (shape.length !== inputShape.length || product(shape.slice(1)) !== size) throw new Error(`'${from}' does not fit ${inputShape}`);
    const output = new Float32Array(shape[0] * scores);
    for (let i = 0; i < shape[0]; ++i) {
      const item = new ort.Tensor('float32', data.subarray(i * size, (i + 1) * size), inputShape);
      output.set((await session.run({ [inputName]: item }))[outputName].data, i * scores);
    }
    writeNpy(to, [shape[0], ...outputShape.slice(1)], output);
    return { items: shape[0] };
  }

  const version = require('onnxruntime-node/package.json').version;
  say({ version, ...facts, input: inputShape, output: outputShape });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, ...rest] = line.split(' ');
    if (command === 'quit') break;
    try {
      if (command === 'time' && Number(rest[0]) >= 0) say(await time(Number(rest[0])));
      else if (command === 'score' && rest.length === 2) say(await score(...rest));
      else throw new Error(`'${line}': expected 'time MILLISECONDS', 'score FROM.npy TO.npy' or 'quit'`);
    } catch (error) {
      say({ error: error.message });
    }
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  say({ error: error.message });
  process.exit(1);
}
