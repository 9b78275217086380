/**
 * Reads our control group (versions 2 and 1): its memory limit, and how many processes were killed
 * because of it. Reads through a function, so that tests can pass a table.
 */

export interface GroupMemory {
  readonly limitBytes: number;
  /**
   * Taken and not given back by itself: file cache of the group is left out, as the kernel drops it
   * when memory is wanted.
   */
  readonly usedBytes: number;
}

type Read = (path: string) => string | null;

const ROOT = '/sys/fs/cgroup';

/**
 * How many processes the kernel has ended because main memory ran out: those of our group (our
 * children are in it), else of the whole machine, which in a container counts its neighbours too.
 * Null where neither is told.
 */
export function readOomKills(read: Read): number | null {
  const { version1, version2 } = membershipOf(read);
  const counters = [
    ...folders(ROOT, version2).map((folder) => `${folder}/memory.events`),
    ...folders(`${ROOT}/memory`, version1).map((folder) => `${folder}/memory.oom_control`),
    '/proc/vmstat',
  ];
  for (const file of counters) {
    const count = /^oom_kill (\d+)$/m.exec(read(file) ?? '')?.[1];
    if (count !== undefined) return Number(count);
  }
  return null;
}

/** The paths of our group in both versions; undefined where we are in none. */
function membershipOf(read: Read): { readonly version1: string | undefined; readonly version2: string | undefined } {
  const membership = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  return {
    version1: membership.find(([, controllers]) => controllers?.split(',').includes('memory'))?.[2],
    version2: membership.find(([, controllers]) => controllers === '')?.[2],
  };
}

/** The limit with the least room left among our group and its parents; null without any. */
export function readGroupMemory(read: Read): GroupMemory | null {
  const { version1, version2 } = membershipOf(read);
  const limits = [
    ...folders(`${ROOT}/memory`, version1).map((folder) =>
      readFolder(read, folder, 'memory.limit_in_bytes', 'memory.usage_in_bytes', /^total_(?:in)?active_file (\d+)/gm),
    ),
    ...folders(ROOT, version2).map((folder) => readFolder(read, folder, 'memory.max', 'memory.current', /^(?:in)?active_file (\d+)/gm)),
  ].filter((limit) => limit !== null);
  return limits.sort((a, b) => a.limitBytes - a.usedBytes - (b.limitBytes - b.usedBytes))[0] ?? null;
}

/**
 * The group's folder and its parents. The root last: with a namespace of its own a container sees
 * its group there.
 */
function folders(root: string, path: string | undefined): readonly string[] {
  if (path === undefined) return [];
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_, index) => `${root}/${names.slice(0, names.length - index).join('/')}`).concat(root);
}

function readFolder(read: Read, folder: string, limitFile: string, usageFile: string, cached: RegExp): GroupMemory | null {
  const limitBytes = Number(read(`${folder}/${limitFile}`)?.trim() ?? Number.NaN);
  const usage = Number(read(`${folder}/${usageFile}`)?.trim() ?? Number.NaN);
  // Version 2 says "max" where there is no limit, version 1 a number near 2^63.
  if (!Number.isFinite(limitBytes) || limitBytes >= 2 ** 60 || !Number.isFinite(usage)) return null;
  const cache = [...(read(`${folder}/memory.stat`) ?? '').matchAll(cached)].reduce((sum, match) => sum + Number(match[1]), 0);
  return { limitBytes, usedBytes: Math.max(0, usage - cache) };
}
