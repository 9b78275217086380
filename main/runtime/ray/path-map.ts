/** Folders of this machine as the nodes of a cluster see them (`ray_serve.path_map`). Pure. */

/**
 * Where the nodes see a folder of ours, by the longest folder of the map that holds it; null:
 * nowhere.
 */
export function mapped(path: string, pathMap: Readonly<Record<string, string>>): string | null {
  const holders = Object.keys(pathMap).filter((folder) => `${path}/`.startsWith(`${folder.replace(/\/+$/, '')}/`));
  const [holder] = holders.toSorted((one, other) => other.length - one.length);
  return holder === undefined ? null : `${pathMap[holder]?.replace(/\/+$/, '')}${path.slice(holder.replace(/\/+$/, '').length)}`;
}
