// All figures of one participant as a table.

import type { ParticipantStats } from '../lib/bindings/ParticipantStats';
import type { Resolution } from '../lib/bindings/Resolution';
import { written } from '../lib/plots';
import { t } from '../lib/strings';

export interface Rows {
  title: string;
  rows: [string, string][];
}

const { rate, milliseconds, percent, fps } = written;

function or<T>(value: T | null, write: (value: T) => string): string {
  return value === null ? t.figures.none : write(value);
}

const bytes = (count: number): string => `${(count / 1_000_000).toFixed(1)} MB`;
const size = ({ width, height }: Resolution): string => `${width} × ${height}`;
const tenths = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`;
const decibels = (level: number): string => `${Math.round(20 * Math.log10(Math.max(level, 1e-6)))} dBFS`;

export function rows(stats: ParticipantStats, relayed: boolean): Rows[] {
  const { figures } = t;
  const { audioSent, videoSent, audioReceived, videoReceived } = stats;
  return [
    {
      title: figures.connection,
      rows: [
        [figures.path, relayed ? figures.relayed : or(stats.path, () => figures.direct)],
        [figures.ends, or(stats.path, ({ localCandidateType, remoteCandidateType }) => `${localCandidateType}, ${remoteCandidateType}`)],
        [figures.protocol, or(stats.path, ({ protocol }) => protocol.toUpperCase())],
        [figures.roundTrip, or(stats.roundTripTime, milliseconds)],
        [figures.sureness, or(stats.clock, ({ uncertainty }) => figures.within(tenths(uncertainty)))],
        [figures.available, or(stats.availableOutgoingBitrate, rate)],
      ],
    },
    {
      title: figures.them,
      rows: [
        [figures.loss, percent(stats.fractionLost)],
        [figures.jitter, or(audioReceived.jitter, tenths)],
        [figures.pictureDelay, or(videoReceived.endToEndDelay, milliseconds)],
        [figures.soundDelay, or(audioReceived.endToEndDelay, milliseconds)],
        [figures.pictureWaits, or(videoReceived.jitterBufferDelay, milliseconds)],
        [figures.soundWaits, or(audioReceived.jitterBufferDelay, milliseconds)],
        [figures.soundTarget, or(audioReceived.jitterBufferTargetDelay, milliseconds)],
        [figures.concealed, percent(audioReceived.concealment)],
        [figures.level, or(audioReceived.audioLevel, decibels)],
        [figures.soundRate, rate(audioReceived.bitrate)],
        [figures.pictureRate, rate(videoReceived.bitrate)],
        [figures.size, or(videoReceived.resolution, size)],
        [figures.pictures, fps(videoReceived.framesPerSecond)],
        [figures.decoding, or(videoReceived.decodeTime, tenths)],
        [figures.freezes, figures.frozen(videoReceived.freezeCount, `${videoReceived.totalFreezesDuration.toFixed(1)} s`)],
        [figures.total, bytes(stats.bytesReceived)],
      ],
    },
    {
      title: figures.you,
      rows: [
        [figures.loss, or(audioSent.remote, ({ fractionLost }) => percent(Math.max(fractionLost, videoSent.remote?.fractionLost ?? 0)))],
        [figures.jitter, or(audioSent.remote, ({ jitter }) => tenths(jitter))],
        [figures.pictureDelay, or(videoSent.endToEndDelay, milliseconds)],
        [figures.soundDelay, or(audioSent.endToEndDelay, milliseconds)],
        [figures.level, or(audioSent.audioLevel, decibels)],
        [figures.soundRate, rate(audioSent.bitrate)],
        [figures.pictureRate, rate(videoSent.bitrate)],
        [figures.pictureTarget, or(videoSent.targetBitrate, rate)],
        [figures.size, or(videoSent.resolution, size)],
        [figures.pictures, fps(videoSent.framesPerSecond)],
        [figures.encoding, or(videoSent.encodeTime, tenths)],
        [figures.again, String(videoSent.retransmittedPacketsSent)],
        [figures.total, bytes(stats.bytesSent)],
      ],
    },
  ];
}
