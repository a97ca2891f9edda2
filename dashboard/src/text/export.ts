// Files that the page hands to the reader.

import type { Colors } from '../charts/chart';

/** A chart as a document of its own: with a title, its colours and a background. */
export function svgDocument(chart: SVGSVGElement, title: string, colors: Colors): string {
  const svg = chart.cloneNode(true) as SVGSVGElement;
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('color', colors.text);
  svg.style.background = colors.background;
  svg.style.fontFamily = 'system-ui, sans-serif';
  const heading = document.createElementNS('http://www.w3.org/2000/svg', 'title');
  heading.textContent = title;
  svg.prepend(heading);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;
}

export function saveFile(name: string, content: string, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
