// The fallback: planes as they come, turned into colours by WebGL.

import type { VideoMessage } from './protocol';

export interface PlanePorts {
  /** Room for one more message. Called once for each one, when drawn or replaced. */
  credit(): void;
  pictureReady(): void;
}

/** The newest picture wins; credit goes back when it was drawn or replaced. */
export class PlanePlayer {
  readonly #ports: PlanePorts;
  #pending: VideoMessage | null = null;
  #hidden = false;

  constructor(ports: PlanePorts) {
    this.#ports = ports;
  }

  push(message: VideoMessage): void {
    this.#drop();
    this.#pending = message;
    if (this.#hidden) this.#drop();
    else this.#ports.pictureReady();
  }

  /** The newest picture. */
  take(): VideoMessage | null {
    const message = this.#pending;
    this.#pending = null;
    if (message) this.#ports.credit();
    return message;
  }

  hide(): void {
    this.#hidden = true;
    this.#drop();
  }

  show(): void {
    this.#hidden = false;
  }

  /** The credit of a socket that is gone is of no use. */
  socketOpened(): void {
    this.#pending = null;
  }

  #drop(): void {
    this.take();
  }
}

const VERTEX = `#version 300 es
out vec2 at;
void main() {
  vec2 corner = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  at = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// ITU-R BT.601, limited range: Y 16..235, U and V 16..240.
const FRAGMENT = `#version 300 es
precision mediump float;
in vec2 at;
out vec4 colour;
uniform sampler2D planeY, planeU, planeV;
void main() {
  float y = 1.164384 * (texture(planeY, at).r - 0.062745);
  float u = texture(planeU, at).r - 0.501961;
  float v = texture(planeV, at).r - 0.501961;
  colour = vec4(y + 1.596027 * v, y - 0.391762 * u - 0.812968 * v, y + 2.017232 * u, 1.0);
}`;

/** Draws I420 pictures on a canvas. */
export class PlaneRenderer {
  readonly #canvas: HTMLCanvasElement;
  readonly #gl: WebGL2RenderingContext;
  #textures: WebGLTexture[] = [];
  #width = 0;
  #height = 0;

  constructor(canvas: HTMLCanvasElement) {
    // The buffer is preserved so that a picture can be copied off the canvas at any time.
    const gl = canvas.getContext('webgl2', {
      alpha: false,
      antialias: false,
      depth: false,
      preserveDrawingBuffer: true,
    });
    if (!gl) throw new Error('no WebGL 2');
    this.#canvas = canvas;
    this.#gl = gl;
    this.#prepare();
    canvas.addEventListener('webglcontextlost', (event) => { event.preventDefault(); });
    canvas.addEventListener('webglcontextrestored', () => { this.#prepare(); });
  }

  draw({ payload, width, height }: VideoMessage): void {
    const gl = this.#gl;
    if (gl.isContextLost()) return;
    const halfWidth = width / 2;
    const halfHeight = height / 2;
    if (width !== this.#width || height !== this.#height) this.#resize(width, height);
    this.#upload(0, width, height, payload.subarray(0, width * height));
    const chroma = halfWidth * halfHeight;
    this.#upload(1, halfWidth, halfHeight, payload.subarray(width * height, width * height + chroma));
    this.#upload(2, halfWidth, halfHeight, payload.subarray(width * height + chroma));
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  #resize(width: number, height: number): void {
    const gl = this.#gl;
    this.#width = width;
    this.#height = height;
    this.#canvas.width = width;
    this.#canvas.height = height;
    gl.viewport(0, 0, width, height);
    const sizes = [[width, height], [width / 2, height / 2], [width / 2, height / 2]] as const;
    sizes.forEach(([w, h], plane) => {
      gl.activeTexture(gl.TEXTURE0 + plane);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, w, h, 0, gl.RED, gl.UNSIGNED_BYTE, null);
    });
  }

  #upload(plane: number, width: number, height: number, bytes: Uint8Array): void {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE0 + plane);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RED, gl.UNSIGNED_BYTE, bytes);
  }

  #prepare(): void {
    const gl = this.#gl;
    const program = gl.createProgram();
    gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.#width = 0;
    this.#height = 0;
    this.#textures = ['planeY', 'planeU', 'planeV'].map((name, plane) => {
      const texture = gl.createTexture();
      gl.activeTexture(gl.TEXTURE0 + plane);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
      gl.uniform1i(gl.getUniformLocation(program, name), plane);
      return texture;
    });
  }

  close(): void {
    for (const texture of this.#textures) this.#gl.deleteTexture(texture);
    this.#textures = [];
    // A page may have few contexts: give this one back now, not at the next collection.
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}

function compile(gl: WebGL2RenderingContext, type: GLenum, source: string): WebGLShader {
  const shader = gl.createShader(type);
  if (!shader) throw new Error('no shader');
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getShaderInfoLog(shader) ?? 'the shader does not compile');
  }
  return shader;
}
