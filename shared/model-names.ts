/** What an id of a model consists of: the engine makes ids of it, and a link may name one. Pure. */

/** Ids are labels of metrics and parts of addresses; a longer name helps nobody. */
export const MAX_ID_LENGTH = 120;

/**
 * As the inside of a class of a regular expression: letters, marks and digits of any script,
 * pictures, spaces, brackets and what joins words.
 */
export const ID_CHARACTERS = String.raw`\p{L}\p{M}\p{N}\p{So} ._+@()[\]{}\-`;
