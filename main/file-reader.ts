/**
 * The program of the reader's child, put together: what `io` reads of people's files, with what the
 * converter would say of them.
 */
import { whyNotConvertible } from './embedded/convert/check.ts';
import { answerQuestions } from './io/reader/reader-program.ts';

answerQuestions(whyNotConvertible);
