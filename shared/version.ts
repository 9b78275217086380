/** This Modelium's version: equal to package.json's, which a test compares. */
export const VERSION = '0.1.0';
