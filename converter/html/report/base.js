'use strict';
// What both reports are built of. Everything that comes from a model reaches the page as text, never as markup.

const data = JSON.parse(document.getElementById('data').textContent);

// An element with attributes and children; strings become text.
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// Formats. All take a number of the JSON and return text.
const trim = (value, digits) => Number(value.toFixed(digits)).toString();
const format = {
  count: (v) => String(v).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f'),
  short: (v) => v >= 1e9 ? trim(v / 1e9, 2) + ' G' : v >= 1e6 ? trim(v / 1e6, 2) + ' M' : v >= 1e4 ? trim(v / 1e3, 1) + ' k' : String(v),
  bytes(v) {
    const size = Math.abs(v);
    const sign = v < 0 ? '\u2212' : '';
    if (size >= 10 * 1048576) return sign + (size / 1048576).toFixed(1) + ' MiB';
    if (size >= 1048576) return sign + (size / 1048576).toFixed(2) + ' MiB';
    if (size >= 1024) return sign + (size / 1024).toFixed(1) + ' KiB';
    return sign + size + ' B';
  },
  change: (v) => (v > 0 ? '+' : '') + format.bytes(v),
  ms: (v) => (v >= 100 ? v.toFixed(1) : v >= 1 ? v.toFixed(3) : v.toFixed(4)) + ' ms',
  us: (v) => v.toFixed(1) + ' \u00b5s',
  seconds: (v) => v.toFixed(2) + ' s',
  percent: (v) => v.toFixed(2) + ' %',
  share: (v) => v.toFixed(1) + ' %',
  times: (v) => v.toFixed(2) + '\u00d7',
  db: (v) => v.toFixed(1) + ' dB',
  cosine: (v) => v.toFixed(5),
  real: (v) => v === 0 ? '0' : Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3 ? v.toExponential(3) : trim(v, 5),
  rate: (v) => v.toFixed(1),
  plain: (v) => String(v),
  digits: (v) => Number.isInteger(v) ? String(v) : String(Number(v.toPrecision(6))),
  exact: (v) => Number.isInteger(v) ? format.count(v) : format.digits(v),
};

// A number of the JSON: its text, and the value itself for programs that read the page. Null is a dash.
function number(value, as = format.plain) {
  if (value === null || value === undefined) return el('span', {}, '\u2013');
  return el('span', {'data-v': String(value)}, as(value));
}

// Long names keep their end and, with room enough for both, their beginning.
function shorten(text, length) {
  if (text.length <= length) return text;
  const tail = length < 24 ? length - 1 : Math.ceil((length - 1) * 0.6);
  return text.slice(0, length - 1 - tail) + '\u2026' + text.slice(text.length - tail);
}

// A layer's name in little room. Exporters repeat the path so far in each of its segments
// (/features/features.1/features.1.0/Conv): only the last of those says anything.
function brief(name, length) {
  const segments = name.split('/').filter(Boolean);
  const kept = segments.filter((segment, i) => !(segments[i + 1] === segment || (segments[i + 1] || '').startsWith(`${segment}.`)));
  return shorten(kept.join('/'), length);
}

const baseName = (path) => path.slice(path.lastIndexOf('/') + 1) || path;
const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

// columns: {title, as, text}: a column of numbers formatted by `as`, or of text. rows: arrays of values; the first one
// heads the row. A row may carry a class.
function table(columns, rows, caption) {
  const cell = (column, value, first) => {
    const text = value === null ? '\u2013' : String(value);
    // Text asks for its own width, up to a limit of the style sheet; longer text breaks.
    const style = `--length: ${text.length}`;
    if (first) return el('th', {scope: 'row', style}, text);
    if (column.text) return el('td', {class: column.mono ? 'text mono' : 'text', style}, text);
    return el('td', {class: 'number'}, number(value, column.as));
  };
  const head = el('tr', {}, columns.map((c, i) => el('th', {scope: 'col', class: i > 0 && !c.text ? 'number' : null}, c.title)));
  const body = rows.map((row) => {
    const cells = row.map((value, i) => cell(columns[i], value, i === 0));
    if (row.part) cells[0].className = 'part';
    return el('tr', {}, cells);
  });
  return el('table', {}, caption ? el('caption', {}, caption) : null, el('thead', {}, head), el('tbody', {}, body));
}

// A table that scrolls by itself when it is wider than the page.
function scrolling(content, label, tall) {
  return el('div', {class: tall ? 'scroll tall' : 'scroll', tabindex: '0', role: 'region', 'aria-label': label}, content);
}

// An object of the JSON as a table of names and values; objects inside become dotted names.
function properties(object, skip = []) {
  const rows = [];
  const add = (name, value) => {
    if (skip.includes(name)) return;
    if (Array.isArray(value) ? value.every((v) => typeof v !== 'object') : value === null || typeof value !== 'object') {
      const items = Array.isArray(value) ? value : [value];
      const shown = items.flatMap((v, i) => [i ? ', ' : '', typeof v === 'number' ? number(v, Array.isArray(value) ? format.digits : format.exact) : v === null ? '\u2013' : String(v)]);
      rows.push(el('tr', {}, el('th', {scope: 'row'}, name), el('td', {class: 'text'}, shown.length ? shown : '\u2013')));
    } else {
      for (const [key, inner] of Object.entries(value)) add(Array.isArray(value) ? `${name}[${key}]` : `${name}.${key}`, inner);
    }
  };
  for (const [name, value] of Object.entries(object)) add(name, value);
  return el('table', {class: 'properties'}, el('tbody', {}, rows));
}

function section(id, title, intro) {
  const node = el('section', {id, 'aria-labelledby': `${id}-title`}, el('h2', {id: `${id}-title`}, title), intro ? el('p', {class: 'lede'}, intro) : null);
  document.getElementById('content').append(node);
  const list = document.querySelector('#nav ul') || document.getElementById('nav').appendChild(el('ul'));
  list.append(el('li', {}, el('a', {href: `#${id}`}, title)));
  return node;
}

function card(parent, title, content) {
  parent.append(el('div', {class: 'card'}, el('h3', {}, title), scrolling(content, title)));
}

// tiles: {label, value, aside, tone, name}; value and aside are elements or text.
function tiles(parent, list) {
  parent.append(el('dl', {class: 'tiles'}, list.map((tile) => el('div', {class: 'tile'},
    el('dt', {}, tile.label),
    el('dd', {class: ['value', tile.tone, tile.name ? 'name' : null].filter(Boolean).join(' ')}, tile.value),
    el('dd', {class: 'aside'}, tile.aside)))));
}

// A labelled list to choose from. options: [text]; returns the control, and calls change(index).
function choice(label, options, change) {
  const select = el('select', {}, options.map((text, i) => el('option', {value: i}, text)));
  select.addEventListener('change', () => change(Number(select.value)));
  return el('label', {}, label, select);
}
