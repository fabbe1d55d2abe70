/** A JSON Schema as people write it: an object (or true / false) whose keywords are read where they are needed. */
export type JsonSchema = { readonly [keyword: string]: unknown };
