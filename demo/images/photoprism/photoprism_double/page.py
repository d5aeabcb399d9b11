"""The page that a browser gets: login, then the pictures by day. It says that it is a stand-in."""

from __future__ import annotations

import html as escaping
import json
from string import Template

WORDS = {
    "en": {
        "notice": "Demo stand-in for PhotoPrism: it shows your pictures, nothing more.", "user": "User", "password": "Password",
        "enter": "Sign in", "wrong": "Wrong user or password.", "many": "Too many attempts. Please wait a few minutes.",
        "empty": "No pictures yet. Put some into the library, then look for new ones.", "index": "Look for new pictures",
        "busy": "Looking…", "leave": "Sign out", "count": "{n} pictures", "gone": "The server does not answer.",
    },
    "zh": {
        "notice": "演示用的 PhotoPrism 替身：只显示您的照片，没有其他功能。", "user": "用户名", "password": "密码", "enter": "登录",
        "wrong": "用户名或密码错误。", "many": "尝试次数过多，请几分钟后再试。", "empty": "还没有照片。把照片放进相册文件夹，然后查找新照片。",
        "index": "查找新照片", "busy": "正在查找…", "leave": "退出", "count": "{n} 张照片", "gone": "服务器没有回应。",
    },
}  # fmt: skip

PAGE = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title><link rel="icon" href="data:,"><style>
:root { color-scheme: light dark; --line: #8884; --accent: #3b6fd4 }
* { box-sizing: border-box } body { margin: 0; font: 16px/1.5 system-ui, "Noto Sans SC", sans-serif }
header { display: flex; gap: 1rem; align-items: center; padding: .8rem 1.2rem; border-bottom: 1px solid var(--line);
  position: sticky; top: 0; background: Canvas; z-index: 1 }
h1 { font-size: 1.15rem; margin: 0; flex: 1 } main { padding: 1.2rem; max-width: 76rem; margin: auto }
form { max-width: 20rem; margin: 12vh auto 0; display: grid; gap: .7rem }
input, button { font: inherit; padding: .55rem .8rem; border: 1px solid var(--line); border-radius: .5rem }
button { background: var(--accent); color: #fff; border: 0; cursor: pointer } button:disabled { opacity: .6 }
button.plain { background: none; color: inherit; border: 1px solid var(--line) }
h2 { font-size: .95rem; font-weight: 600; margin: 1.4rem 0 .5rem }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .4rem }
.grid img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: .4rem; cursor: zoom-in; background: #8883 }
dialog { padding: 0; border: 0; background: none } dialog img { max-width: 96vw; max-height: 92vh; display: block }
dialog::backdrop { background: #000d } footer { padding: 1.5rem; text-align: center; opacity: .65; font-size: .85rem }
#message { min-height: 1.5em; text-align: center } [hidden] { display: none !important }
</style></head><body>
<header><h1>$title</h1><span id="count"></span><button id="index" class="plain" hidden></button>
<button id="leave" class="plain" hidden></button></header>
<main><form id="login" hidden><input id="user" autocomplete="username" required>
<input id="password" type="password" autocomplete="current-password" required><button id="enter"></button></form>
<p id="message" role="status"></p><div id="days"></div></main>
<dialog id="big"><img alt=""></dialog><footer id="notice"></footer>
<script>
const words = $words, get = id => document.getElementById(id), store = sessionStorage;
for (const id of ["enter", "index", "leave", "notice"]) get(id).textContent = words[id];
for (const id of ["user", "password"]) { get(id).placeholder = words[id]; get(id).ariaLabel = words[id]; }
const call = (method, path, body) => fetch("/api/v1" + path, {method, body: body && JSON.stringify(body),
  headers: {"X-Auth-Token": store.token || "", "Content-Type": "application/json"}});
const say = text => { get("message").textContent = text; };
function view(inside) { get("login").hidden = inside; get("index").hidden = get("leave").hidden = !inside; }
async function show() {
  const answer = await call("GET", "/photos?count=1000&order=newest");
  view(answer.ok); get("days").replaceChildren(); get("count").textContent = "";
  if (!answer.ok) { store.clear(); return; }
  const photos = await answer.json();
  get("count").textContent = words.count.replace("{n}", photos.length); say(photos.length ? "" : words.empty);
  let day = "", grid;
  for (const photo of photos) {
    const taken = photo.TakenAt.slice(0, 10);
    if (taken !== day) {
      day = taken; grid = document.createElement("div"); grid.className = "grid";
      const title = document.createElement("h2");
      title.textContent = new Date(day + "T12:00").toLocaleDateString("$lang", {dateStyle: "full"});
      get("days").append(title, grid);
    }
    const image = new Image(), source = size => `/api/v1/t/$${photo.Hash}/$${store.preview}/$${size}`;
    image.loading = "lazy"; image.alt = image.title = photo.FileName; image.src = source("tile_224");
    image.onclick = () => { get("big").firstChild.src = source("fit_1280"); get("big").showModal(); };
    grid.append(image);
  }
}
get("big").onclick = () => get("big").close();
get("login").onsubmit = async event => {
  event.preventDefault(); say("");
  const answer = await call("POST", "/session", {username: get("user").value, password: get("password").value});
  if (!answer.ok) return say(answer.status === 429 ? words.many : words.wrong);
  const session = await answer.json();
  store.token = session.access_token; store.preview = session.config.previewToken; get("password").value = "";
  await show();
};
get("index").onclick = async () => {
  get("index").disabled = true; say(words.busy);
  await call("POST", "/index", {path: "/"}).catch(() => say(words.gone));
  get("index").disabled = false; await show();
};
get("leave").onclick = async () => { await call("DELETE", "/session"); store.clear(); say(""); await show(); };
show().catch(() => say(words.gone));
</script></body></html>
""")


def html(title: str, locale: str) -> str:
    language = "zh" if locale.lower().startswith("zh") else "en"
    words = json.dumps(WORDS[language], ensure_ascii=False).replace("<", "\\u003c")
    return PAGE.substitute(title=escaping.escape(title), lang="zh-CN" if language == "zh" else "en", words=words)
