import { z } from 'zod';
import { FILE_BYTES_MAX, FileDeleted, FileForm, FileList, FileObject, FileParams, FilesQuery, FORM_BYTES_MAX } from '../../contract/files.ts';
import { DATABASE_ERRORS, type Route, route } from '../../http/route.ts';
import { sendContent } from './content.ts';
import { listFiles, removeFile, showFile } from './show.ts';
import { uploadFile } from './upload.ts';

const OF_ALL = { tag: 'OpenAI-compatible', errors: DATABASE_ERRORS } as const;
const READ = { ...OF_ALL, scope: 'v1:read' } as const;
const OF_ONE = { params: FileParams, query: z.looseObject({}) } as const;

export const fileRoutes: readonly Route[] = [
  route({
    ...OF_ALL,
    method: 'POST',
    path: '/v1/files',
    summary: 'Upload a file, as OpenAI clients do',
    description: 'It is kept whole or not at all, for your project alone.',
    scope: 'v1:call',
    query: z.looseObject({}),
    streamed: { types: { 'multipart/form-data': FileForm }, bytesMax: FILE_BYTES_MAX + FORM_BYTES_MAX },
    replies: [{ status: 200, description: 'The file.', type: 'application/json', schema: FileObject }],
    errors: ['MISSING_REQUIRED_FIELD', 'INVALID_TYPE', ...DATABASE_ERRORS],
    handle: uploadFile,
  }),
  route({
    ...READ,
    method: 'GET',
    path: '/v1/files',
    summary: 'List the files of your project',
    query: FilesQuery,
    replies: [{ status: 200, description: 'One page of them.', type: 'application/json', schema: FileList }],
    handle: listFiles,
  }),
  route({
    ...READ,
    ...OF_ONE,
    method: 'GET',
    path: '/v1/files/{id}',
    summary: 'Show a file',
    replies: [{ status: 200, description: 'The file.', type: 'application/json', schema: FileObject }],
    handle: showFile,
  }),
  route({
    ...READ,
    ...OF_ONE,
    method: 'GET',
    path: '/v1/files/{id}/content',
    summary: 'Download what a file holds',
    description: 'Byte for byte. With `Range: bytes=…` a part of it.',
    replies: [
      { status: 200, description: 'All of it.', type: 'application/octet-stream' },
      { status: 206, description: 'The part that was asked for.', type: 'application/octet-stream' },
    ],
    handle: sendContent,
  }),
  route({
    ...OF_ALL,
    ...OF_ONE,
    method: 'DELETE',
    path: '/v1/files/{id}',
    summary: 'Delete a file',
    scope: 'v1:call',
    replies: [{ status: 200, description: 'Deleted.', type: 'application/json', schema: FileDeleted }],
    handle: removeFile,
  }),
];
