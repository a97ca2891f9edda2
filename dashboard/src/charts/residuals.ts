// The figures of the page Law: what was measured against what the law says.

import * as Plot from '@observablehq/plot';

import { formatLoss, formatPercent, formatQuantity, lastPart } from '../text/quantity';
import { bitsText } from '../text/widths';
import { colorOf, symbolOf, type Chart, type Colors, type Frame } from './chart';
import { legend, logX, type Key } from './marks';
import type { Run } from './measured_optima';
import { extentOf, levelOf, levelsOf, padded } from './scales';

/** A run of a fit. */
export interface FittedRun extends Omit<Run, 'lossNats'> {
  experiment: string;
  measuredNats: number;
  predictedNats: number;
  /** ln of the law's loss less ln of the measured one. */
  residual: number;
  /** In robust scales of the residuals. */
  scaledResidual: number;
  isOutlier: boolean;
  leverage: number;
}

export interface ResidualData {
  runs: readonly FittedRun[];
  /** Of the residuals. */
  robustScale: number;
}

export type ResidualAxis = 'size' | 'bits' | 'tokens' | 'fraction';

/** Robust scales beyond which the server calls a run an outlier. */
const OUTLIER_SCALES = 4;

const allTokens = (run: FittedRun) => run.fpTokens + run.qatTokens;
const qatShare = (run: FittedRun) => run.qatTokens / allTokens(run);

/** 16 bits are no quantizer. */
function widthText(weightBits: number): string {
  return weightBits === 16 ? 'full precision' : bitsText(weightBits);
}

function percentText(residual: number): string {
  return `${residual < 0 ? '-' : '+'}${formatPercent(Math.abs(residual))}`;
}

function rowOf(run: FittedRun) {
  return {
    experiment: lastPart(run.experiment),
    parameters: run.parameters,
    weight_bits: run.weightBits,
    fp_tokens: run.fpTokens,
    qat_tokens: run.qatTokens,
    measured_nats: run.measuredNats,
    predicted_nats: run.predictedNats,
    residual: run.residual,
    scaled_residual: run.scaledResidual,
    leverage: run.leverage,
    outlier: run.isOutlier,
  };
}

function tipOf(run: FittedRun): string {
  return (
    `run ${lastPart(run.experiment)}: measured ${formatLoss(run.measuredNats)}, law ` +
    `${formatLoss(run.predictedNats)} (${percentText(run.residual)})\n` +
    `${formatQuantity(run.parameters)} parameters, ${widthText(run.weightBits)}\n` +
    `${formatQuantity(allTokens(run))} tokens, ${formatPercent(qatShare(run))} of them QAT`
  );
}

/** Colour by size, shape by width; outliers have a ring. */
class Looks {
  readonly sizes: number[];
  readonly widths: number[];

  constructor(
    runs: readonly FittedRun[],
    private readonly colors: Colors,
  ) {
    this.sizes = levelsOf(runs.map((run) => run.parameters));
    this.widths = levelsOf(runs.map((run) => run.weightBits));
  }

  get keys(): Key[] {
    return [
      ...this.sizes.map((size) => ({ label: formatQuantity(size), color: this.colorOf(size) })),
      ...this.widths.map((bits) => ({
        label: widthText(bits),
        color: this.colors.text,
        symbol: this.symbolOf(bits),
      })),
    ];
  }

  dots(runs: readonly FittedRun[], x: Plot.ChannelValue, y: Plot.ChannelValue): Plot.Markish {
    return Plot.dot(runs, {
      x,
      y,
      symbol: (run: FittedRun) => this.symbolOf(run.weightBits),
      fill: (run: FittedRun) => this.colorOf(run.parameters),
      fillOpacity: 0.75,
      stroke: (run: FittedRun) => (run.isOutlier ? this.colors.mark : this.colors.background),
      strokeWidth: (run: FittedRun) => (run.isOutlier ? 1.5 : 0.4),
      r: 3.2,
      tip: true,
      title: tipOf,
    });
  }

  private colorOf(size: number) {
    return colorOf(this.colors, levelOf(size, this.sizes), this.sizes.length);
  }

  private symbolOf(weightBits: number) {
    return symbolOf(levelOf(weightBits, this.widths));
  }
}

export function predictedChart({ runs }: ResidualData): Chart {
  return {
    title: 'Predicted against measured',
    summary: `${runs.length} runs; on the line the law says what was measured.`,
    rows: runs.map(rowOf),
    options({ width, colors }) {
      const looks = new Looks(runs, colors);
      const { marks, margins } = legend(looks.keys, width);
      const losses = runs.flatMap((run) => [run.measuredNats, run.predictedNats]);
      const domain = padded(extentOf(losses) ?? [0, 1], 0.03);
      return {
        ...margins,
        x: { domain, label: 'Measured loss, nats' },
        y: { domain, label: 'Loss by the law, nats', grid: true },
        marks: [
          Plot.line(
            [domain, domain].map((ends, index) => [ends[index]!, ends[index]!]),
            {
              stroke: colors.faint,
            },
          ),
          looks.dots(runs, 'measuredNats', 'predictedNats'),
          ...marks,
        ],
      };
    },
  };
}

const AXIS_TITLES: Record<ResidualAxis, string> = {
  size: 'Residuals by size',
  bits: 'Residuals by bits',
  tokens: 'Residuals by tokens',
  fraction: 'Residuals by QAT fraction',
};

/** Where the runs of one column stand, and their mean. */
interface Column {
  from: number;
  to: number;
  mean: number;
}

interface Placement {
  x: Map<FittedRun, number>;
  columns: Column[];
}

/**
 * Places runs by the level of `outer`, side by side in it by the level of `inner`: column `i`
 * of the outer levels is about x = i. Runs of one place are spread over its width.
 */
export function placeByLevels(
  runs: readonly FittedRun[],
  outer: { of: (run: FittedRun) => number; levels: readonly number[] },
  inner: { of: (run: FittedRun) => number; levels: readonly number[] },
): Placement {
  const share = 0.8 / inner.levels.length;
  const x = new Map<FittedRun, number>();
  const columns: Column[] = [];
  outer.levels.forEach((_, column) => {
    inner.levels.forEach((_, part) => {
      const here = runs.filter(
        (run) =>
          levelOf(outer.of(run), outer.levels) === column &&
          levelOf(inner.of(run), inner.levels) === part,
      );
      if (here.length === 0) return;
      const from = column - 0.4 + part * share;
      here.forEach((run, index) => x.set(run, from + share * (0.1 + 0.8 * spread(index))));
      const mean = here.reduce((sum, run) => sum + run.residual, 0) / here.length;
      columns.push({ from, to: from + share, mean });
    });
  });
  return { x, columns };
}

/** Numbers from 0 to 1 that fill the range evenly, however many of them are taken. */
function spread(index: number): number {
  return (index * 0.6180339887) % 1;
}

/** How the runs stand along an axis. */
interface Along {
  scale: Plot.ScaleOptions;
  x: Plot.ChannelValue;
  marks: Plot.Markish[];
}

function alongTokens(runs: readonly FittedRun[], frame: Frame): Along {
  const [lower, upper] = extentOf(runs.map(allTokens)) ?? [1, 10];
  const { scale, axis } = logX(frame, { domain: [lower / 1.2, upper * 1.2], label: 'All tokens' });
  return { scale, x: allTokens, marks: [axis] };
}

function alongFraction(): Along {
  return {
    scale: { domain: [-0.02, 1], tickFormat: formatPercent, label: 'QAT tokens, of all' },
    x: qatShare,
    marks: [],
  };
}

function alongLevels(
  runs: readonly FittedRun[],
  axis: 'size' | 'bits',
  looks: Looks,
  colors: Colors,
): Along {
  const size = { of: (run: FittedRun) => run.parameters, levels: looks.sizes };
  const bits = { of: (run: FittedRun) => run.weightBits, levels: looks.widths };
  const [outer, inner] = axis === 'size' ? [size, bits] : [bits, size];
  const { x, columns } = placeByLevels(runs, outer, inner);
  const text = axis === 'size' ? formatQuantity : String;
  return {
    scale: {
      domain: [-0.5, outer.levels.length - 0.5],
      ticks: outer.levels.map((_, index) => index),
      tickFormat: (index: number) => text(outer.levels[index] ?? NaN),
      label: axis === 'size' ? 'Parameters; bits side by side' : 'Bits; sizes side by side',
    },
    x: (run: FittedRun) => x.get(run),
    marks: [
      Plot.ruleY(columns, {
        y: 'mean',
        x1: 'from',
        x2: 'to',
        stroke: colors.text,
        strokeWidth: 2.5,
      }),
    ],
  };
}

export function residualChart({ runs, robustScale }: ResidualData, axis: ResidualAxis): Chart {
  const outliers = runs.filter((run) => run.isOutlier).length;
  return {
    title: AXIS_TITLES[axis],
    summary:
      `Law less measured, as a share of the loss, of ${runs.length} runs; ${outliers} of them ` +
      `lie beyond the dashed lines, ${OUTLIER_SCALES} robust scales from 0.`,
    rows: runs.map(rowOf),
    options(frame) {
      const { width, colors } = frame;
      const looks = new Looks(runs, colors);
      const { marks, margins } = legend(looks.keys, width);
      const limit = OUTLIER_SCALES * robustScale;
      const along =
        axis === 'tokens'
          ? alongTokens(runs, frame)
          : axis === 'fraction'
            ? alongFraction()
            : alongLevels(runs, axis, looks, colors);
      return {
        ...margins,
        x: along.scale,
        y: {
          label: 'Law less measured, of the loss',
          tickFormat: formatPercent,
          grid: true,
          nice: true,
        },
        marks: [
          Plot.ruleY([0], { stroke: colors.text }),
          Plot.ruleY([-limit, limit], { stroke: colors.faint, strokeDasharray: '4,4' }),
          looks.dots(runs, along.x, 'residual'),
          ...along.marks,
          ...marks,
        ],
      };
    },
  };
}
