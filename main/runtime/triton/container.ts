/**
 * Runs Triton in a container of docker or podman, if the settings name an image: finds the program,
 * builds its command line, and removes a container that outlived Modelium. The container gets no
 * network and no rights, and may only read the folders of models; its sockets are in a folder of
 * Modelium. Downloads nothing: a missing image is an error that names the command to pull it.
 */
import { basename } from 'node:path';
import { programName } from '../../../shared/redact.ts';
import type { MachineFacts } from '../module.ts';
import { onPath, placeOf, programsOf } from '../places.ts';
import { ask, real, type Steps, stats } from '../step.ts';

export interface TritonContainer {
  /** Absolute path of docker or podman. */
  readonly program: string;
  readonly isPodman: boolean;
  readonly image: string;
  /** What it may read, at the same paths. */
  readonly folders: readonly string[];
  /** A person's own, behind ours. */
  readonly args: readonly string[];
  /** Of this Modelium: its containers are told from all others by it. */
  readonly owner: string;
  readonly user: MachineFacts['user'];
}

const USUAL_FOLDERS = ['~/modelium/incoming', '/models/incoming'];
const ASK_MS = 30_000;
/** Its Python backend hands tensors over there. */
const SHARED_MEMORY = '1g';
const label = (owner: string): string => `modelium.owner=${owner}`;

/** A sentence: it cannot be started so. */
export function* findContainer(machine: MachineFacts): Steps<TritonContainer | string> {
  const { program: named, image, folders: own, args } = machine.settings.triton.container;
  const { watch_directories } = machine.settings.orchestration.model_discovery;
  const paths = named === null ? ['podman', 'docker'].flatMap((name) => onPath(name, machine.env)) : programsOf(named, machine);
  const facts = yield* stats(paths);
  const program = paths.find((_, index) => facts[index]?.isFile === true && facts[index].isExecutable);
  if (program === undefined)
    return named === null
      ? 'triton.container.image is set, and neither podman nor docker is on the PATH.'
      : `triton.container.program is ${programName(named)}, and there is no such program.`;
  const wanted = (own ?? watch_directories ?? USUAL_FOLDERS).map((folder) => placeOf(folder, machine));
  // They are written as SOURCE:TARGET.
  const odd = wanted.find((folder) => folder.includes(':'));
  if (odd !== undefined) return `${odd} cannot be shown to a container, since its path has a colon.`;
  const found = yield* stats(wanted);
  const folders = wanted.filter((_, index) => found[index]?.isFile === false);
  const isPodman = basename((yield* real(program)) ?? program).includes('podman');
  return { program, isPodman, image: image ?? '', folders, args, owner: machine.instance.owner, user: machine.user };
}

/** These would be meant for podman or docker as well. */
const OF_PROGRAM = /^(?:PATH|HOME|TMPDIR|LD_\w+|XDG_\w+|(?:DOCKER|PODMAN|BUILDAH|CONTAINERS?)_\w+)$/;

/**
 * Variables that the program passes on from its own environment: everybody on this machine can read
 * its command line, and only its user its environment.
 */
export function passedOn(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== '' && !OF_PROGRAM.test(name)));
}

/** What the program is started with. @param folder of ours, for its sockets and its repository. */
export function containerArgs(
  container: TritonContainer,
  folder: string,
  hasGpus: boolean,
  env: Readonly<Record<string, string>>,
  server: readonly string[],
): readonly string[] {
  const { image, folders, args, owner } = container;
  const hidden = passedOn(env);
  const variables = Object.entries({ HOME: '/tmp', ...env }).flatMap(([name, value]) => [
    '--env',
    Object.hasOwn(hidden, name) ? name : `${name}=${value}`,
  ]);
  return [
    'run',
    '--rm',
    '--pull',
    'never',
    '--name',
    `modelium-${owner}-${basename(folder)}`,
    '--label',
    label(owner),
    '--network',
    'none',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
    // Labels of SELinux are left as they are on a person's files.
    '--security-opt',
    'label=disable',
    '--shm-size',
    SHARED_MEMORY,
    ...(hasGpus ? ['--gpus', 'all'] : []),
    ...userArgs(container),
    // By which its processes are known as ours: the value is that of the program that starts it.
    '--env',
    'MODELIUM_LAUNCH',
    ...variables,
    '--volume',
    `${folder}:${folder}`,
    ...folders.flatMap((each) => ['--volume', `${each}:${each}:ro`]),
    ...args,
    image,
    'tritonserver',
    ...server,
  ];
}

/** Its sockets have to be this user's. */
function userArgs({ user, isPodman }: TritonContainer): readonly string[] {
  if (user === null || user.uid === 0) return [];
  return isPodman ? ['--userns', 'keep-id'] : ['--user', `${user.uid}:${user.gid}`];
}

/**
 * Containers of an earlier run of ours, which nobody asks any more; those of others have another
 * label.
 */
export function* removeLeftovers({ program, owner }: TritonContainer): Steps<void> {
  const listed = yield* ask(program, ['ps', '--all', '--quiet', '--no-trunc', '--filter', `label=${label(owner)}`], {}, ASK_MS);
  const ids = listed.filter((line) => /^[0-9a-f]{12,64}$/.test(line));
  if (ids.length > 0) yield* ask(program, ['rm', '--force', ...ids], {}, ASK_MS);
}

/** A sentence where it could not read a model's folder; null: it can. */
export function hiddenFrom({ folders }: TritonContainer, path: string | undefined): string | null {
  if (path === undefined || folders.some((folder) => `${path}/`.startsWith(`${folder.replace(/\/+$/, '')}/`))) return null;
  const seen = folders.length === 0 ? 'no folder' : folders.join(', ');
  return `Triton's container reads ${seen}, and the model lies in ${path}: name its folder in triton.container.folders.`;
}

/** What people are shown before it is started. */
export function containerInWords(container: TritonContainer): string {
  const { program, image, folders, args } = container;
  const line = containerArgs({ ...container, folders: [], args: [] }, 'FOLDER', false, {}, []).slice(0, -2);
  const own = args.length === 0 ? '' : ', with triton.container.args';
  return `Triton in a container of ${image}, which reads ${folders.join(', ') || 'no folder'}: ${program} ${line.join(' ')}${own}`;
}
