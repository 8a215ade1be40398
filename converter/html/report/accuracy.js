// bench/accuracy.sh's report: what each repair and each observer gains on one model.

function showAccuracy() {
  const {rows, options} = data;
  const auc = options.metric === 'auc';
  const measures = [
    {key: 'sqnr_db', title: 'SQNR of the outputs against float', unit: 'dB', as: format.db, absent: 'equal'},
    {key: 'agreement', title: 'Answers that are float\'s', unit: '%', as: format.share},
    auc ? {key: 'auc', title: 'AUC', unit: '', as: format.cosine} : {key: 'top1', title: 'Top-1', unit: '%', as: format.share},
    {key: 'top5', title: 'Top-5', unit: '%', as: format.share},
    {key: 'seconds', title: 'Seconds of the conversion', unit: 's', as: format.rate},
  ].filter((measure) => rows.some((row) => row[measure.key] !== null));
  const names = [...new Set(rows.map((row) => row.name))];
  const find = (name, weights) => rows.find((row) => row.name === name && row.weights === weights);
  const score = auc ? `AUC ${format.cosine(data.float.auc)}` : data.float.top1 === null ? 'no labels' : `top-1 ${format.share(data.float.top1)}, top-5 ${format.share(data.float.top5)}`;
  document.getElementById('head').append(el('h1', {}, `What repairs gain: ${options.model}`),
    el('p', {class: 'lede'}, `qconvert ${data.version}, calibrated on ${options.calibrate}, measured on ${plural(options.images, 'item')} of ${options.evaluated}. Float: ${score}.`));
  const node = section('rows', 'Repairs and observers');
  const grid = el('div', {class: 'grid'});
  node.append(grid);
  for (const measure of measures) {
    figure(grid, manyBars({
      title: measure.title, what: 'conversion', unit: measure.unit, as: measure.as, absent: measure.absent, series: options.weights,
      label: `Bar chart. ${measure.title}, for ${plural(names.length, 'conversion')} with weight scales ${options.weights.join(' and ')}.`,
      rows: names.map((name) => ({label: name, values: options.weights.map((weights) => find(name, weights)[measure.key])})),
    }));
  }
  card(node, 'All rows', table([{title: 'conversion'}, {title: 'weights', text: true}, ...measures.map(({title, as}) => ({title, as})), {title: 'file', as: format.bytes}, {title: 'options', text: true}],
    rows.map((row) => [row.name, row.weights, ...measures.map(({key}) => row[key]), row.file_bytes, row.options])));
  card(section('details', 'What was measured'), 'Options', properties({tool: data.tool, version: data.version, date: data.date, ...options}));
}
