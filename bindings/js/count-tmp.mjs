// Charges a meter so many times, and says how often it was granted: URL KEY TOKEN AUDIENCE METER TIMES.
import { createClient } from "redis";
import { createGate } from "licentia";
import { redisStore } from "licentia/stores";

const [url, key, token, audience, meter, times] = process.argv.slice(2);
const client = await createClient({ url }).connect();
const gate = createGate({ keys: [key], audience, store: redisStore(client) });
let granted = 0;
for (let at = 0; at < Number(times); at++) if ((await gate.check(token, { meters: { [meter]: 1 } })).allowed) granted++;
await gate.close();
await client.close();
console.log(granted);
