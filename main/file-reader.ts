/**
 * The reader's child program: combines the file reading of `io` with the converter's check of
 * whether a folder can be converted.
 */
import { whyNotConvertible } from './embedded/convert/check.ts';
import { answerQuestions } from './io/reader/reader-program.ts';

answerQuestions(whyNotConvertible);
