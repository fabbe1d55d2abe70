import type { Blobs } from './blobs.ts';

export type S3Place = {
  readonly bucket: string;
  /** Of another vendor's storage than Amazon's. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

const FOLDER = 'files';
/** A name that nothing has, to see whether the storage lets us ask. */
const NOBODYS = `${FOLDER}/none`;

/**
 * Content in a bucket of S3 or what speaks like it. More than 5 MB goes up in parts, as fast as they are taken; it has its name when the last
 * one is there, and an upload that fails is called off.
 */
export function s3Blobs({ endpoint, ...place }: S3Place): Blobs {
  const client = new Bun.S3Client({ ...place, ...(endpoint === null ? {} : { endpoint }) });
  const at = (id: string): ReturnType<typeof client.file> => client.file(`${FOLDER}/${id}`);
  return {
    async write(id, content) {
      await at(id).write(new Response(streamOf(content)));
    },
    read: (id, { from, to }) =>
      at(id)
        .slice(from, to === undefined ? undefined : to + 1)
        .stream(),
    remove: (id) => at(id).delete(),
    async check() {
      await client.exists(NOBODYS);
    },
  };
}

function streamOf(content: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const pieces = content[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await pieces.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}
