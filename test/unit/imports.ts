/** Who may import whom: imports.test.ts holds the sources to it, and architecture.test.ts the page that draws it. */

/** What every part may use: it knows nothing of any other. */
export const GROUND = [
  'src/clock.ts',
  'src/errors.ts',
  'src/gauge.ts',
  'src/tenant.ts',
  'src/text.ts',
] as const
/** What a push is to all who see it, and what a protocol is to all who do not know it. */
export const ENVELOPE = ['src/protocol.ts', 'src/share', 'src/wire', ...GROUND] as const

export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/sluice.js': ['src/main.ts'],
  'src/main.ts': ['src/cli'],
  'src/cli': ['src/app.ts', 'src/config', 'src/demo', 'src/telemetry'],
  'src/demo': ['src/wire', ...GROUND],
  // What lives as long as the process, and what one configuration makes of it.
  'src/app.ts': [
    ...['src/config', 'src/generation.ts', 'src/generations.ts', 'src/ingress', 'src/lanes', 'src/limits'],
    ...['src/push', 'src/reload.ts', 'src/remote-write', 'src/telemetry', 'src/upstream'],
    ...GROUND,
  ],
  'src/reload.ts': ['src/config', 'src/ingress', 'src/telemetry', ...GROUND],
  'src/generation.ts': [
    ...['src/config', 'src/generations.ts', 'src/push', 'src/remote-write', 'src/routes'],
    ...['src/schema', 'src/upstream'],
  ],
  'src/generations.ts': ['src/ingress'],
  // It joins the sections that each part declares for itself.
  'src/config': [
    ...['src/ingress', 'src/lanes', 'src/limits', 'src/push', 'src/remote-write', 'src/routes'],
    ...['src/schema', 'src/telemetry', 'src/upstream', ...GROUND],
  ],
  'src/telemetry': ['src/lanes', 'src/push', 'src/remote-write', 'src/schema', ...ENVELOPE],
  // The way of a push.
  'src/ingress': ['src/auth', 'src/lanes', 'src/push', 'src/routes', 'src/schema', ...ENVELOPE],
  'src/push': ['src/auth', 'src/lanes', 'src/limits', 'src/schema', ...ENVELOPE],
  'src/auth': ['src/lanes', ...GROUND],
  'src/routes': ['src/schema', ...GROUND],
  'src/limits': ['src/schema', ...GROUND],
  'src/upstream': ['src/lanes', 'src/schema', ...ENVELOPE],
  'src/lanes': ['src/schema', ...ENVELOPE],
  // A codec: nobody on the way of a push knows it, and it knows none of them.
  'src/remote-write': ['src/schema', 'workers/kernel', ...ENVELOPE],
  'workers/split.ts': ['src/remote-write'],
  'workers/kernel': [],
  'src/protocol.ts': ['src/share', ...GROUND],
  'src/share': ['src/wire', ...GROUND],
  'src/schema': [...GROUND],
  'src/wire': [],
  'src/clock.ts': [],
  'src/errors.ts': [],
  'src/gauge.ts': [],
  'src/tenant.ts': [],
  'src/text.ts': [],
}
