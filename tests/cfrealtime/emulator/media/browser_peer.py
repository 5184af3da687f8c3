"""An endpoint in a real browser: one page with one RTCPeerConnection, driven from Python."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from attrs import define
from playwright.async_api import Browser, Page, Route, async_playwright

URL = "http://127.0.0.1:8099/"  # never reached: the page is handed over by `_serve`
ARGUMENTS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
]
PAGE = """<!doctype html><title>endpoint</title><body><script>
const pc = new RTCPeerConnection();
const started = {};
pc.ontrack = ({ track, transceiver }) => {
  const element = document.createElement(track.kind);
  element.autoplay = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  if (track.kind === 'video') {
    element.requestVideoFrameCallback(() => { started[transceiver.mid] = performance.now(); });
  }
};
const gathered = () => new Promise((resolve) => {
  if (pc.iceGatheringState === 'complete') return resolve();
  pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && resolve());
  setTimeout(resolve, 500);
});
async function describe(description) {
  await pc.setLocalDescription(description);
  await gathered();
  return pc.localDescription.sdp;
}
async function offer() { return describe(await pc.createOffer()); }
async function camera(width, encodings, codec) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width } });
  for (const track of stream.getTracks()) {
    const options = { direction: 'sendonly' };
    if (track.kind === 'video' && encodings) options.sendEncodings = encodings;
    const transceiver = pc.addTransceiver(track, options);
    if (track.kind === 'video' && codec) prefer(transceiver, codec);
  }
}
function prefer(transceiver, codec) {
  const { codecs } = RTCRtpSender.getCapabilities('video');
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === `video/${codec}`));
}
async function ready(width) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width } });
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
}
function screen() {
  const canvas = document.createElement('canvas');
  canvas.width = 800; canvas.height = 600;
  const context = canvas.getContext('2d');
  let n = 0;
  setInterval(() => { context.fillStyle = `hsl(${n++ * 20},90%,50%)`; context.fillRect(0, 0, 800, 600); },
    50);
  pc.addTransceiver(canvas.captureStream(20).getVideoTracks()[0], { direction: 'sendonly' });
}
async function answered(sdp) { await pc.setRemoteDescription({ type: 'answer', sdp }); }
async function take(sdp) {
  await pc.setRemoteDescription({ type: 'offer', sdp });
  return describe(await pc.createAnswer());
}
// A transceiver that an offer with layers makes is a new one, which has their encodings but no track yet.
async function layers(sdp) {
  await pc.setRemoteDescription({ type: 'offer', sdp });
  const transceiver = pc.getTransceivers().at(-1);
  const { track } = pc.getSenders().find((s) => s.track && s.track.kind === transceiver.receiver.track.kind);
  await transceiver.sender.replaceTrack(track);
  transceiver.direction = 'sendonly';
  return describe(await pc.createAnswer());
}
const mids = () => pc.getTransceivers().filter((t) => t.sender.track && !t.stopped).map((t) => t.mid);
async function inbound(mid) {
  for (const report of (await pc.getStats()).values()) {
    if (report.type === 'inbound-rtp' && report.mid === mid) return report;
  }
  return {};
}
async function outbound() {
  const found = {};
  for (const report of (await pc.getStats()).values()) {
    if (report.type === 'outbound-rtp' && report.rid) found[report.rid] = report.framesSent || 0;
  }
  return found;
}
</script>"""


@define
class BrowserPeer:
    """One page."""

    page: Page

    async def camera(
        self, width: int = 640, encodings: list[dict] | None = None, codec: str | None = None
    ) -> None:
        """Add microphone and camera, the latter in one codec only if that is said."""
        await self.page.evaluate("([w, e, c]) => camera(w, e, c)", [width, encodings, codec])

    async def ready(self, width: int = 640) -> None:
        """Have microphone and camera ready for an offer that asks for them."""
        await self.page.evaluate("(w) => ready(w)", width)

    async def offer(self) -> tuple[str, list[str]]:
        """An offer, and the mids of all that is sent."""
        sdp = await self.page.evaluate("offer()")
        return sdp, await self.page.evaluate("mids()")

    async def call(self, function: str, argument: str) -> str:
        """One of the page's functions."""
        return await self.page.evaluate(f"(argument) => {function}(argument)", argument)

    async def stats(self, mid: str) -> dict:
        """What the browser says of one receiving section."""
        return await self.call("inbound", mid)

    async def until(self, mid: str, done: Callable[[dict], bool], seconds: float = 60.0) -> dict:
        """Wait until the statistics of a section satisfy."""
        stats: dict = {}
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            stats = await self.stats(mid)
            if done(stats):
                return stats
            await asyncio.sleep(0.1)
        raise AssertionError(f"section {mid} never got there: {stats}")

    async def plays(self, mid: str, width: int | None = None) -> None:
        """More frames are decoded from now on, of that width; or, for audio, more sound is heard."""
        before = await self.stats(mid)
        if width is None:
            energy = before.get("totalAudioEnergy", 0)
            await self.until(mid, lambda now: now.get("totalAudioEnergy", 0) > energy)
        else:
            frames = before.get("framesDecoded", 0)
            await self.until(
                mid,
                lambda now: now.get("framesDecoded", 0) > frames + 5 and now.get("frameWidth") == width,
            )


async def _serve(route: Route) -> None:
    await route.fulfill(body=PAGE, content_type="text/html")


async def open_peer(browser: Browser) -> BrowserPeer:
    """A page of its own, with camera and microphone allowed."""
    context = await browser.new_context(permissions=["camera", "microphone"])
    page = await context.new_page()
    await page.route(URL, _serve)
    await page.goto(URL)
    return BrowserPeer(page)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium with fake devices."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        await browser.close()
