// The official client for JavaScript: node openai_client.mjs <its folder> <base URL> <key>. Prints what it saw.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, baseURL, apiKey] = process.argv.slice(2);
const { default: OpenAI } = await import(pathToFileURL(createRequire(`${folder}/`).resolve('openai')));

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 20_000 });
const model = 'gemini-2.5-flash';
const ask = (content, more = {}) =>
  client.chat.completions.create({ model, messages: [{ role: 'user', content }], ...more });

const whole = await ask('Who built the Eiffel Tower?');

let text = '';
let usage = null;
const asked = { stream: true, stream_options: { include_usage: true } };
for await (const chunk of await ask('What is a geyser?', asked)) {
  text += chunk.choices[0]?.delta.content ?? '';
  usage = chunk.usage ?? usage;
}

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = [{ type: 'function', function: { name: 'get_weather', parameters } }];
const called = await client.chat.completions
  .stream({ model, messages: [{ role: 'user', content: 'What is the weather in Quito?' }], tools })
  .finalChatCompletion();

const models = [];
for await (const entry of client.models.list()) models.push(entry.id);

const failure = async (work) => {
  try {
    await work();
  } catch (error) {
    return { name: error.constructor.name, code: error.code, status: error.status ?? null };
  }
};

console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    text,
    usage,
    call: called.choices[0].message.tool_calls[0].function,
    models,
    refused: await failure(() => ask('Hello', { n: 3 })),
    broken: await failure(async () => {
      for await (const _ of await ask('What is sleet? [[fault:cut after=1]]', { stream: true }));
    }),
  }),
);
