import { type ConnectOptions, openCloud } from '../../src/drivers/connect.ts';
import type { Driver } from '../../src/drivers/driver.ts';

export async function connectDriver(options: ConnectOptions): Promise<Driver> {
  return (await openCloud(options)).driver;
}
