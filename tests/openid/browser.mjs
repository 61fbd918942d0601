// Somebody with a browser, for the tests: opens the address that it is given, keeps cookies, follows redirects, and sends every
// form as it stands, until there is none.
const jar = new Map();

let next = { url: process.argv[2] };
for (let step = 0; step < 20 && next; step += 1) {
  const { url, form } = next;
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    ...(form && { method: 'POST', body: new URLSearchParams(form) }),
  });
  for (const cookie of response.headers.getSetCookie()) {
    const [name, ...value] = cookie.split(';')[0].split('=');
    jar.set(name, value.join('='));
  }
  const location = response.headers.get('location');
  const page = await response.text();
  next = location ? { url: new URL(location, url).href } : formOf(page, url);
  if (process.env.TRACE) console.error(response.status, url, page.replace(/<style[\s\S]*?<\/style>/g, '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 300));
}

function formOf(page, url) {
  const form = /<form[^>]*>[\s\S]*?<\/form>/i.exec(page)?.[0];
  if (!form) return undefined;
  const attribute = (tag, name) => new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag)?.[1]?.replaceAll('&amp;', '&');
  const fields = [...form.matchAll(/<(?:input|button)[^>]*>/gi)].map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value') ?? '']);
  const action = attribute(form, 'action') ?? url;
  // Of two buttons the first that is named is pressed.
  const named = new Map(fields.filter(([name]) => name && name !== 'abort'));
  return { url: new URL(action, url).href, form: Object.fromEntries(named) };
}
