/** The command line: what can be said to `sluice`, and which function does it. */
import { Command } from 'commander'
import { check } from './check.ts'
import { demo } from './demo.ts'
import { serve } from './serve.ts'
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
    .action(({ config }: { config?: string }) => serve(config, stop))
  program
    .command('check')
    .description('read a configuration, say what is wrong or surprising, and print what is in force')
    .option('--config <file>', 'YAML file')
    .action(({ config }: { config?: string }) => check(config))
  program
    .command('demo')
    .description('run Sluice with a sender and a store of its own; needs nothing else')
    .action(() => demo(stop))
  return program
}

const EXAMPLES = `
Examples:
  sluice demo                               look at it, without a store or a configuration
  sluice check --config sluice.yaml         before you start or deploy it
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
