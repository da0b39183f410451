// Paints a moving picture where a camera's would be: somebody at a desk, drawn.

import type { Stop } from './backend';
import { paintDesktop } from './desktop-painter';

const WIDTH = 1280;
const HEIGHT = 720;
/** Slow enough for a machine that draws in software. */
const FRAME_MS = 60;

interface Look {
  wall: [string, string];
  lamp: string;
  skin: string;
  hair: string;
  clothes: string;
  longHair: boolean;
}

const LOOKS: Look[] = [
  { wall: ['#3b4a54', '#1f2a33'], lamp: '#f2c48d', skin: '#c98d6b', hair: '#2a1d18', clothes: '#5f7f8f', longHair: false },
  { wall: ['#7d6f63', '#4a3f38'], lamp: '#ffe1b0', skin: '#e3ad8b', hair: '#6b3f26', clothes: '#2f4858', longHair: true },
  { wall: ['#42524a', '#25322c'], lamp: '#ffd7a1', skin: '#8a5a3f', hair: '#17110e', clothes: '#b56b4f', longHair: true },
];

/** Paints until stopped. */
export function paintTile(canvas: HTMLCanvasElement, tile: string): Stop {
  const context = canvas.getContext('2d', { alpha: false });
  if (!context) return () => undefined;
  if (tile.endsWith(':screen')) return paintDesktop(canvas, context);
  const seed = tile === 'self' ? 1 : tile.endsWith('esther-w') ? 2 : 0;
  const look = LOOKS[seed];
  if (!look) return () => undefined;
  const room = emptyRoom(look);
  let frames = 0;
  let painted = -Infinity;
  let request = 0;
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  Object.assign(canvas.dataset, { mode: 'webcodecs', width: String(WIDTH), height: String(HEIGHT) });
  const frame = (at: number): void => {
    if (at - painted >= FRAME_MS) {
      context.drawImage(room, 0, 0);
      paintPerson(context, look, at / 1000);
      painted = at;
      frames += 1;
      canvas.dataset.frames = String(frames);
    }
    request = requestAnimationFrame(frame);
  };
  request = requestAnimationFrame(frame);
  return () => { cancelAnimationFrame(request); };
}

function emptyRoom(look: Look): HTMLCanvasElement {
  const room = document.createElement('canvas');
  room.width = WIDTH;
  room.height = HEIGHT;
  const context = room.getContext('2d');
  if (context) paintRoom(context, look);
  return room;
}

function paintPerson(c: CanvasRenderingContext2D, look: Look, s: number): void {
  c.save();
  // A person is never quite still.
  c.translate(640 + 6 * Math.sin(s * 0.7), 412 + 4 * Math.sin(s * 1.1));
  paintBody(c, look);
  c.rotate(0.02 * Math.sin(s * 0.9));
  paintHead(c, look, s);
  c.restore();
}

function paintShade(c: CanvasRenderingContext2D): void {
  const shade = c.createRadialGradient(640, 340, 300, 640, 360, 820);
  shade.addColorStop(0, 'rgba(0,0,0,0)');
  shade.addColorStop(1, 'rgba(0,0,0,0.38)');
  c.fillStyle = shade;
  c.fillRect(0, 0, WIDTH, HEIGHT);
}

function paintRoom(c: CanvasRenderingContext2D, look: Look): void {
  const wall = c.createLinearGradient(0, 0, WIDTH, HEIGHT);
  wall.addColorStop(0, look.wall[0]);
  wall.addColorStop(1, look.wall[1]);
  c.fillStyle = wall;
  c.fillRect(0, 0, WIDTH, HEIGHT);
  const glow = c.createRadialGradient(1010, 180, 10, 1010, 180, 420);
  glow.addColorStop(0, look.lamp);
  glow.addColorStop(0.15, `${look.lamp}88`);
  glow.addColorStop(1, `${look.lamp}00`);
  c.globalAlpha = 0.55;
  c.fillStyle = glow;
  c.fillRect(0, 0, WIDTH, HEIGHT);
  c.globalAlpha = 1;
  // A shelf with books, out of focus.
  c.filter = 'blur(6px)';
  c.fillStyle = 'rgba(0,0,0,0.28)';
  c.fillRect(60, 268, 330, 14);
  ['#9a5b4a', '#c7a76a', '#5d7b86', '#8b8f7a', '#6f5a78', '#b0b7ae'].forEach((colour, n) => {
    c.fillStyle = colour;
    const height = 92 + ((n * 37) % 52);
    c.fillRect(92 + n * 38, 268 - height, 28, height);
  });
  c.fillStyle = '#57764f';
  for (let n = 0; n < 7; n += 1) {
    c.beginPath();
    c.ellipse(1130 + 18 * n - 54, 520 - 16 * (n % 3), 16, 92, (n - 3) * 0.24, 0, Math.PI * 2);
    c.fill();
  }
  c.fillStyle = '#8a6a52';
  c.fillRect(1080, 590, 110, 140);
  c.filter = 'none';
  paintShade(c);
}

function paintBody(c: CanvasRenderingContext2D, look: Look): void {
  if (look.longHair) {
    c.fillStyle = look.hair;
    c.beginPath();
    c.roundRect(-132, -170, 264, 330, 120);
    c.fill();
  }
  c.fillStyle = look.clothes;
  c.beginPath();
  c.moveTo(-330, 340);
  c.bezierCurveTo(-320, 180, -190, 130, -70, 112);
  c.lineTo(70, 112);
  c.bezierCurveTo(190, 130, 320, 180, 330, 340);
  c.fill();
  c.fillStyle = look.skin;
  c.beginPath();
  c.roundRect(-52, 30, 104, 120, 46);
  c.fill();
  c.fillStyle = 'rgba(0,0,0,0.14)';
  c.beginPath();
  c.ellipse(0, 66, 56, 30, 0, 0, Math.PI);
  c.fill();
}

function paintHead(c: CanvasRenderingContext2D, look: Look, s: number): void {
  c.fillStyle = look.hair;
  c.beginPath();
  c.ellipse(0, -96, 122, 138, 0, 0, Math.PI * 2);
  c.fill();
  c.fillStyle = look.skin;
  c.beginPath();
  c.ellipse(0, -60, 102, 128, 0, 0, Math.PI * 2);
  c.fill();
  c.fillStyle = look.hair;
  c.beginPath();
  c.ellipse(-14, -166, 106, 56, -0.14, 0, Math.PI * 2);
  c.fill();
  const open = Math.sin(s * 1.7) > 0.985 ? 0.1 : 1;
  c.fillStyle = '#241a16';
  for (const side of [-1, 1]) {
    c.beginPath();
    c.ellipse(side * 40, -66, 9, 11 * open, 0, 0, Math.PI * 2);
    c.fill();
    c.fillRect(side * 40 - 20, -96, 40, 6);
  }
  c.strokeStyle = 'rgba(60,25,20,0.65)';
  c.lineWidth = 6;
  c.lineCap = 'round';
  c.beginPath();
  c.arc(0, -26, 36, 0.25 * Math.PI, 0.75 * Math.PI);
  c.stroke();
  c.strokeStyle = 'rgba(60,25,20,0.28)';
  c.beginPath();
  c.moveTo(-2, -58);
  c.quadraticCurveTo(10, -34, -6, -30);
  c.stroke();
}
