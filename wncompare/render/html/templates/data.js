// @ts-check
'use strict';

/**
 * A number, or the text that stands for one that JSON cannot hold.
 * @typedef {number | 'nan' | 'inf' | '-inf'} Stored
 * @typedef {'epochs' | 'steps' | 'seconds'} Cost
 * @typedef {string} Metric
 * @typedef {[number, number]} Span
 *
 * A run over training: what it had cost by the end of each epoch, and each metric's value.
 * @typedef {{seed: number, status: string, x: Record<Cost, number[]>, metrics: Record<Metric, Stored[]>}} Run
 *
 * A metric's mean by epoch with its interval, and its median, of `n` runs.
 * @typedef {{n: number[], mean: Stored[], low: Stored[], high: Stored[], median: Stored[]}} Band
 *
 * One variant (its place in the config) at one point of the grid.
 * @typedef {{variant: number, point: string, runs: Run[], x: Record<Cost, number[]>, bands: Record<Metric, Band>}} Arm
 *
 * A range, and by variant where its name stands: a part of the plot's height, null without a line.
 * @typedef {{range: Span, names: (number | null)[]}} Axis
 *
 * One setting: by variant the point of the grid, and the axes on which all its variants are drawn.
 * @typedef {{points: string[], x: Record<Cost, Span>, y: Record<Metric, {linear: Axis, log: Axis}>}} View
 *
 * @typedef {{variant: number | 'sum', value: Stored, low?: Stored, high?: Stored}} Mark
 * @typedef {{label: string, marks: Mark[], strong?: boolean}} DotRow
 * @typedef {{name: string, rows: DotRow[], zero: boolean, zone: number | null, better: [string, string] | null, range: Span}} DotPlot
 *
 * @typedef {object} Data
 * @property {string[]} labels
 * @property {Record<Metric, string>} metrics
 * @property {Metric} headline the metric that is shown first
 * @property {number[]} seeds
 * @property {number} height of the plot, in pixels
 * @property {Arm[]} arms
 * @property {View[]} views
 * @property {DotPlot[]} dots
 *
 * What the reader chose to see, and where the cursor stands on the x axis.
 * @typedef {object} State
 * @property {number} view
 * @property {Metric} metric
 * @property {Cost} x
 * @property {boolean} logX
 * @property {boolean} logY
 * @property {boolean} band
 * @property {Set<number>} hidden
 * @property {Set<number>} seeds
 * @property {number | undefined} cursor
 *
 * @typedef {{width: number, height: number, left: number, right: number, top: number, bottom: number}} Frame
 * @typedef {(value: number) => number} Scale
 *
 * An arm's line at an epoch: the mean, or the median (`isMedian`) where a run has diverged.
 * @typedef {{x: number, y: number, low: number, high: number, n: number, epoch: number, isMedian: boolean}} LinePoint
 * @typedef {{variant: number, y: number, point?: LinePoint}} Reading
 * @typedef {{image: SVGElement, arms: Arm[], frame: Frame, x: Scale, y: Scale}} Drawing
 */
