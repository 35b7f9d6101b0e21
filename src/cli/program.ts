/**
 * The command line: what can be said to `sluice`, and which function does it. Each command loads what it needs when it is
 * called: all of it together takes a second, and twice the memory.
 */
import { Command } from 'commander'
import { version } from './version.ts'

/** `stop` aborts when the process is asked to end. */
export function createProgram(stop: AbortSignal): Command {
  const program = new Command('sluice')
    .description('Splits Prometheus remote write by tenant: one stream in, one request per tenant out.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('(sluice --help lists the commands)')
    .addHelpText('after', EXAMPLES)

  program
    .command('serve')
    .description('receive pushes and forward each tenant’s share, as the configuration says')
    .option('--config <file>', 'YAML file; a cortex-tenant.yml works as it is')
    .action(async ({ config }: { config?: string }) => {
      const { serve } = await import('./serve.ts')
      await serve(config, stop)
    })
  program
    .command('check')
    .description('read a configuration, say what is wrong or surprising, and print what is in force')
    .argument('[file]', 'YAML file')
    .option('--config <file>', 'the same')
    .option('--changed', 'print only what differs from the defaults')
    .action(async (file: string | undefined, { config, changed }: { config?: string; changed?: true }) => {
      if (file !== undefined && config !== undefined) throw new Error('check takes one file, not two')
      const { check } = await import('./check.ts')
      check(file ?? config, { changed: changed === true })
    })
  program
    .command('demo')
    .description('run Sluice with a sender and a store of its own; needs nothing else')
    .action(async () => {
      const { demo } = await import('./demo.ts')
      await demo(stop)
    })
  return program
}

const EXAMPLES = `
Examples:
  sluice demo                               look at it, without a store or a configuration
  sluice check sluice.yaml                  before you start or deploy it
  sluice check --changed sluice.yaml        what differs from the defaults, and where from
  sluice serve --config sluice.yaml
  sluice -config cortex-tenant.yml          as cortex-tenant is started

Every key can also be set by the environment, as SLUICE_… or CT_…, and then no file is needed; see docs/configuration.md.`

/** cortex-tenant knows one flag and no commands: `-config FILE`. Whoever starts us so means `serve --config FILE`. */
export function normaliseArguments(argv: readonly string[]): string[] {
  const [node = '', script = '', ...rest] = argv
  const args = rest.map(arg => (arg === '-config' || arg.startsWith('-config=') ? `-${arg}` : arg))
  const bare = args[0] === '--config' || args[0]?.startsWith('--config=')
  return [node, script, ...(bare ? ['serve', ...args] : args)]
}
