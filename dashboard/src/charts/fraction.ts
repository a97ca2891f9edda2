// The figures of the page Fraction.

import * as Plot from '@observablehq/plot';

import { formatPercent, formatQuantity } from '../text/quantity';
import { bitsText } from '../text/widths';
import { colorOf, symbolOf, type Chart } from './chart';
import { legend, logX, questionRule } from './marks';
import {
  measuredText,
  qatFraction,
  totalTokens,
  type MeasuredOptimum,
  type Run,
} from './measured_optima';
import { extentOf, levelOf } from './scales';
import { AXIS_LABELS, type TokenAxis } from './token_axis';

export interface FractionPoint {
  parameters: number;
  weightBits: number;
  totalTokens: number;
  value: number;
  lower?: number | undefined;
  upper?: number | undefined;
}

export interface OptimaData {
  axis: TokenAxis;
  sizes: readonly number[];
  widths: readonly number[];
  /** By size and width, ascending by tokens. */
  predicted: readonly FractionPoint[];
  /** Of the size and width asked about, with intervals. */
  asked: readonly FractionPoint[];
  question: { parameters: number; weightBits: number; totalTokens: number };
  measured: readonly MeasuredOptimum[];
}

interface Place {
  parameters: number;
  weightBits: number;
  totalTokens: number;
}

/** Tokens for each byte of the weights. */
export function tokensPerParameterByte({ parameters, weightBits, totalTokens }: Place): number {
  return totalTokens / ((parameters * weightBits) / 8);
}

/** Best fraction against tokens: lines as the law has it, points as it was measured. */
export function optimaChart(data: OptimaData): Chart {
  const { axis, sizes, widths, question } = data;
  const x = axis === 'density' ? tokensPerParameterByte : (place: Place) => place.totalTokens;
  const all = [...data.predicted, ...data.asked, ...data.measured];
  const extent = extentOf(all.map(x)) ?? [1, 10];
  return {
    title: 'Best QAT fraction',
    summary:
      `Lines: the law, for each size and width; the band is the interval at ` +
      `${formatQuantity(question.parameters)} parameters and ${bitsText(question.weightBits)}. ` +
      `Points: ${data.measured.length} measured optima.`,
    rows: [
      ...data.predicted.map((point) => rowOf(point, 'predicted')),
      ...data.asked.map((point) => rowOf(point, 'predicted with interval')),
      ...data.measured.map((point) => rowOf({ ...point, value: point.qatFraction }, 'measured')),
    ],
    options(frame) {
      const { width, colors } = frame;
      const tokens = logX(frame, { domain: extent, label: `All ${AXIS_LABELS[axis]}` });
      const color = (size: number) => colorOf(colors, levelOf(size, sizes), sizes.length);
      // A size that was not measured is none of the lines.
      const isMeasured = sizes.includes(question.parameters);
      const askedColor = isMeasured ? color(question.parameters) : colors.mark;
      const symbol = (bits: number) => symbolOf(widths.indexOf(bits));
      const { marks, margins } = legend(
        [
          ...sizes.map((size) => ({
            label: formatQuantity(size),
            color: color(size),
            isLine: true,
          })),
          ...(isMeasured
            ? []
            : [{ label: formatQuantity(question.parameters), color: colors.mark, isLine: true }]),
          ...widths.map((bits) => ({
            label: bitsText(bits),
            color: colors.text,
            symbol: symbol(bits),
          })),
        ],
        width,
      );
      return {
        ...margins,
        x: tokens.scale,
        y: { domain: [0, 1], tickFormat: formatPercent, label: 'QAT tokens, of all', grid: true },
        marks: [
          tokens.axis,
          Plot.areaY(data.asked, {
            x,
            y1: 'lower',
            y2: 'upper',
            fill: askedColor,
            fillOpacity: 0.14,
          }),
          Plot.line(data.predicted, {
            x,
            y: 'value',
            z: (point: FractionPoint) => `${point.parameters} ${point.weightBits}`,
            stroke: (point: FractionPoint) => color(point.parameters),
            strokeOpacity: 0.55,
            strokeWidth: 1,
          }),
          Plot.line(data.asked, {
            x,
            y: 'value',
            stroke: askedColor,
            strokeWidth: 2.5,
          }),
          Plot.dot(data.measured, {
            x,
            y: 'qatFraction',
            symbol: (point: MeasuredOptimum) => symbol(point.weightBits),
            fill: (point: MeasuredOptimum) => color(point.parameters),
            stroke: colors.background,
            strokeWidth: 0.5,
            r: 4.5,
            tip: true,
            title: (point: MeasuredOptimum) =>
              `measured: ${formatPercent(point.qatFraction)} QAT\n` +
              `${formatQuantity(point.parameters)} parameters, ${bitsText(point.weightBits)}, ` +
              `${formatQuantity(point.totalTokens)} tokens`,
          }),
          questionRule(x(question), colors),
          ...marks,
        ],
      };
    },
  };
}

function rowOf(point: FractionPoint, source: string) {
  return {
    source,
    parameters: point.parameters,
    weight_bits: point.weightBits,
    total_tokens: point.totalTokens,
    tokens_per_parameter_byte: tokensPerParameterByte(point),
    qat_fraction: point.value,
    lower: point.lower,
    upper: point.upper,
  };
}

export interface LossPoint {
  totalTokens: number;
  qatFraction: number;
  lossNats: number;
}

export interface LossData {
  budgets: readonly number[];
  asked: number;
  predicted: readonly LossPoint[];
  /** Runs of the size and width asked about. */
  measured: readonly Run[];
  flatRange?: { lower: number; upper: number } | undefined;
  best: { qatFraction: number; lossNats: number } | undefined;
}

// Near 0 and 1 the law rises without bound; the ends would flatten all else.
const SHOWN_FRACTIONS = [0.03, 0.75] as const;

function lossExtent({ predicted, measured }: LossData): [number, number] {
  const shown = predicted.filter(
    (point) => point.qatFraction >= SHOWN_FRACTIONS[0] && point.qatFraction <= SHOWN_FRACTIONS[1],
  );
  const losses = [...shown.map((point) => point.lossNats), ...measured.map((run) => run.lossNats)];
  return extentOf(losses) ?? [0, 1];
}

/** Loss against fraction, a curve for each budget. */
export function lossChart(data: LossData): Chart {
  const { budgets, asked, flatRange, best } = data;
  const isAsked = (point: LossPoint) => point.totalTokens === asked;
  return {
    title: 'Loss by QAT fraction',
    summary:
      `A curve for each of the budgets ${budgets.map(formatQuantity).join(', ')}; ` +
      (flatRange
        ? `from ${formatPercent(flatRange.lower)} to ${formatPercent(flatRange.upper)} ` +
          `QAT the loss of the budget asked about is as good as the best.`
        : 'no range of fractions is told to be as good as the best.'),
    rows: [
      ...data.predicted.map((point) => lossRow(point, 'predicted')),
      ...data.measured.map((run) =>
        lossRow(
          {
            totalTokens: totalTokens(run),
            qatFraction: qatFraction(run),
            lossNats: run.lossNats,
          },
          'measured',
        ),
      ),
    ],
    options({ width, colors }) {
      const color = (tokens: number) => colorOf(colors, levelOf(tokens, budgets), budgets.length);
      const { marks, margins } = legend(
        budgets.map((tokens) => ({
          label: `${formatQuantity(tokens)} tokens`,
          color: color(tokens),
          isLine: true,
        })),
        width,
      );
      return {
        ...margins,
        x: { domain: [0, 1], tickFormat: formatPercent, label: 'QAT tokens, of all' },
        y: { domain: lossExtent(data), label: 'Loss, nats', grid: true, nice: true },
        marks: [
          flatRange &&
            Plot.rect([flatRange], {
              x1: 'lower',
              x2: 'upper',
              fill: colors.accent,
              fillOpacity: 0.14,
            }),
          Plot.line(data.predicted, {
            x: 'qatFraction',
            y: 'lossNats',
            z: 'totalTokens',
            stroke: (point: LossPoint) => color(point.totalTokens),
            strokeWidth: (point: LossPoint) => (isAsked(point) ? 2.5 : 1.2),
            clip: true,
          }),
          Plot.dot(data.measured, {
            x: qatFraction,
            y: 'lossNats',
            stroke: (run: Run) => color(totalTokens(run)),
            r: 3,
            tip: true,
            title: measuredText,
          }),
          best &&
            Plot.dot([best], {
              x: 'qatFraction',
              y: 'lossNats',
              fill: colors.mark,
              stroke: colors.background,
              r: 5,
            }),
          ...marks,
        ],
      };
    },
  };
}

function lossRow(point: LossPoint, source: string) {
  return {
    source,
    total_tokens: point.totalTokens,
    qat_fraction: point.qatFraction,
    loss_nats: point.lossNats,
  };
}
