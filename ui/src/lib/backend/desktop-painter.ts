// Paints a desktop where a shared screen would be: windows with text that moves a little.

import type { Stop } from './backend';

const WIDTH = 1920;
const HEIGHT = 1080;
const BLINK_MS = 500;

const CODE = [
  '/// Decides what the one video track of a call carries.',
  'pub fn carried(share: &Share, camera: bool) -> Carried {',
  '    match share {',
  '        Share::Running { showing_camera: false, .. } => Carried::Screen,',
  '        Share::Running { .. } | Share::Off if camera => Carried::Camera,',
  '        Share::Running { .. } | Share::Starting | Share::Off => Carried::Nothing,',
  '    }',
  '}',
  '',
  '#[test]',
  'fn an_audio_call_becomes_a_video_call_while_sharing() {',
  '    let mut call = connected(CallMedia::Audio);',
  '    call.share(Target::monitor(1));',
  '    assert_eq!(call.carried(), Carried::Screen);',
  '}',
];

/** Paints until stopped. */
export function paintDesktop(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D): Stop {
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  Object.assign(canvas.dataset, { mode: 'webcodecs', width: String(WIDTH), height: String(HEIGHT) });
  let frames = 0;
  const frame = (): void => {
    paint(context, frames % 2 === 0);
    frames += 1;
    canvas.dataset.frames = String(frames);
  };
  frame();
  const timer = setInterval(frame, BLINK_MS);
  return () => { clearInterval(timer); };
}

function paint(c: CanvasRenderingContext2D, caret: boolean): void {
  const ground = c.createLinearGradient(0, 0, WIDTH, HEIGHT);
  ground.addColorStop(0, '#3d5674');
  ground.addColorStop(1, '#1d2b3d');
  c.fillStyle = ground;
  c.fillRect(0, 0, WIDTH, HEIGHT);
  c.fillStyle = '#14181f';
  c.fillRect(0, 0, WIDTH, 36);
  c.fillStyle = '#e8eaee';
  c.font = '600 16px "Inter Variable", sans-serif';
  c.textAlign = 'center';
  c.fillText('Tue 12 May  15:24', WIDTH / 2, 24);
  c.textAlign = 'left';
  c.fillText('Activities', 24, 24);
  window(c, 120, 110, 1180, 860, 'share.rs: tincan');
  c.font = '20px monospace';
  CODE.forEach((line, n) => {
    c.fillStyle = '#5f6773';
    c.fillText(String(n + 1).padStart(3), 140, 210 + 34 * n);
    c.fillStyle = line.startsWith('///') ? '#8fae7d' : '#dfe3ea';
    c.fillText(line, 210, 210 + 34 * n);
  });
  if (caret) c.fillRect(224, 210 + 34 * CODE.length - 18, 2, 24);
  window(c, 1360, 200, 460, 420, 'Notes');
  c.fillStyle = '#dfe3ea';
  c.font = '18px "Inter Variable", sans-serif';
  ['Text stays sharp at 1:1', 'Small type: 12345 67890', 'One pixel lines below'].forEach((line, n) => {
    c.fillText(line, 1390, 300 + 36 * n);
  });
  for (let n = 0; n < 40; n += 1) c.fillRect(1390 + 4 * n, 420, 1, 60);
}

function window(c: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, title: string): void {
  c.fillStyle = '#262b33';
  c.beginPath();
  c.roundRect(x, y, width, height, 12);
  c.fill();
  c.fillStyle = '#343b46';
  c.beginPath();
  c.roundRect(x, y, width, 48, [12, 12, 0, 0]);
  c.fill();
  c.fillStyle = '#e8eaee';
  c.font = '600 16px "Inter Variable", sans-serif';
  c.fillText(title, x + 24, y + 30);
}
