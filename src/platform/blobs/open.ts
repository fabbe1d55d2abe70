import { join } from 'node:path';
import type { Settings } from '../../contract/settings.ts';
import { ConfigError } from '../config/config-error.ts';
import { messageOf } from '../postgres/database-start-error.ts';
import type { Blobs } from './blobs.ts';
import { diskBlobs } from './disk.ts';
import { s3Blobs } from './s3.ts';

type StorageSettings = Pick<Settings, 's3Bucket' | 's3Endpoint' | 's3Region' | 's3AccessKeyId' | 's3SecretAccessKey'>;

/** The storage that the settings name, once it has answered. */
export async function openBlobs(settings: StorageSettings, dataDir: string): Promise<Blobs> {
  const { s3Bucket: bucket, s3Endpoint: endpoint, s3Region: region, s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = settings;
  if (bucket === null || accessKeyId === null || secretAccessKey === null) {
    const blobs = diskBlobs(join(dataDir, 'files'));
    await blobs.check();
    return blobs;
  }
  const blobs = s3Blobs({ bucket, endpoint, region, accessKeyId, secretAccessKey });
  await blobs.check().catch((cause: unknown) => {
    throw new ConfigError([{ where: 'S3_BUCKET', message: `The storage for files cannot be used: ${messageOf(cause)}` }]);
  });
  return blobs;
}
