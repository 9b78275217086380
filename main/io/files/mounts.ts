/**
 * Finds out whether a folder is a mount point, and whether its file system reports changes. Reads
 * /proc/self/mountinfo; without it, guesses by device number.
 */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readText } from '../processes/proc.ts';

/**
 * Network and foreign file systems: what other machines (or the host) change in them, inotify does
 * not tell.
 */
const WITHOUT_EVENTS =
  /^(?:nfs\d?|cifs|smb\w*|fuse(?:\..+)?|fuseblk|9p|virtiofs|vboxsf|vmhgfs|prl_fs|drvfs|ceph|glusterfs|lustre|afs|beegfs)$/;

export interface Mount {
  readonly point: string;
  readonly type: string;
}

/**
 * Lines of mountinfo(5):
 * `id parent major:minor root POINT options [tags] - TYPE source super-options`. Spaces are `\040`.
 */
export function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4]?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const type = after?.split(' ')[0];
    return point === undefined || type === undefined ? [] : [{ point, type }];
  });
}

export interface MountFacts {
  readonly device: number;
  readonly isMountPoint: boolean;
  /** The file system's type where changes in it raise no events; null where they do. */
  readonly typeWithoutEvents: string | null;
}

/** @param realPath without links. Rejects with the file error when it is not there. */
export async function mountOf(realPath: string): Promise<MountFacts> {
  const [here, above] = await Promise.all([stat(realPath), stat(dirname(realPath))]);
  const text = readText('/proc/self/mountinfo');
  if (text === null) return { device: here.dev, isMountPoint: here.dev !== above.dev, typeWithoutEvents: null };
  const mounts = parseMounts(text);
  const over = mounts.filter(({ point }) => realPath === point || point === '/' || realPath.startsWith(`${point}/`));
  // Later lines are mounted over earlier ones at the same point.
  const innermost = over.reduce<Mount | null>(
    (best, mount) => (best === null || mount.point.length >= best.point.length ? mount : best),
    null,
  );
  const type = innermost?.type ?? '';
  return { device: here.dev, isMountPoint: innermost?.point === realPath, typeWithoutEvents: WITHOUT_EVENTS.test(type) ? type : null };
}

/**
 * Why the folder is not the one that was there before: its disk is no longer mounted. Null: it
 * is the same, or something was mounted. A remount may come with another device number, so that a
 * number alone says nothing of a mount point.
 */
export function unmounted(before: MountFacts, now: MountFacts, path: string): string | null {
  if (before.isMountPoint && !now.isMountPoint) return `The watch folder ${path} is no longer mounted.`;
  if (!now.isMountPoint && before.device !== now.device) return `The disk of ${path} is no longer mounted.`;
  return null;
}
