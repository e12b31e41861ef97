// `bulkhead completion`: what a shell needs to complete commands and options, made from the commands themselves.

import { Argument, type Command } from "commander";
import type { Configuration } from "../manifest/configuration.ts";
import { isHostRunning, openControl } from "./control.ts";
import { type DataOptions, readConfigurationOf, withDataOptions, withOverrides } from "./serve.ts";
import { writeLines } from "./terminal.ts";

interface Entry {
  /** The words before, such as `secret`. */
  readonly path: string;
  readonly words: readonly string[];
  /** Whether its first argument is the name of a plugin. */
  readonly takesPlugin: boolean;
}

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description('print what a shell needs to complete commands, options and names of plugins: eval "$(bulkhead completion bash)"')
    .addArgument(new Argument("<shell>", "your shell").choices(["bash", "zsh", "fish"]))
    .action((shell: "bash" | "zsh" | "fish") => {
      writeLines(SCRIPTS[shell](entriesOf(program, "")).trimEnd());
    });
  withDataOptions(program.command(NAMES, { hidden: true }).description("print the names of the plugins, for the shell")).action(printNames);
}

const NAMES = "plugin-names";

async function runningNames(configuration: Configuration): Promise<string[]> {
  await using host = await openControl(configuration);
  return (await host.invoke<{ readonly plugin: string }[]>("list")).map(({ plugin }) => plugin);
}

async function printNames(options: DataOptions): Promise<void> {
  const configuration = withOverrides(await readConfigurationOf(options), options);
  // A shell that completes must not take a folder that nobody serves.
  const names = (await isHostRunning(configuration.dataDir)) ? await runningNames(configuration) : Object.keys(configuration.plugins);
  for (const name of names) writeLines(name);
}

function entriesOf(command: Command, path: string): Entry[] {
  const options = command.options.flatMap(({ long }) => long ?? []);
  const names = command.commands.map((one) => one.name()).filter((name) => name !== NAMES);
  const below = command.commands.flatMap((one) => entriesOf(one, `${path} ${one.name()}`.trim()));
  const takesPlugin = command.registeredArguments[0]?.name() === "plugin" && options.includes("--data");
  return [{ path, words: [...names, ...options, "--help"], takesPlugin }, ...below];
}

const cases = (entries: readonly Entry[]): string =>
  entries
    .map(({ path, words, takesPlugin }) => `    "${path}") words="${words.join(" ")}${takesPlugin ? ` $(${ASK_NAMES})` : ""}" ;;`)
    .join("\n");

const ASK_NAMES = `bulkhead ${NAMES} $where 2>/dev/null`;

// Words up to the first option are the command; files complete as usual.
const bash = (entries: readonly Entry[]): string => `_bulkhead() {
  local words path="" i where="" current="\${COMP_WORDS[COMP_CWORD]}"
  for ((i = 1; i < COMP_CWORD - 1; i++)); do
    case "\${COMP_WORDS[i]}" in -c | --config | -d | --data) where="$where \${COMP_WORDS[i]} \${COMP_WORDS[i + 1]}" ;; esac
  done
  for ((i = 1; i < COMP_CWORD && i < 3; i++)); do
    case "\${COMP_WORDS[i]}" in -*) break ;; esac
    case " ${entries.map(({ path }) => path.replaceAll(" ", "/")).join(" ")} " in
      *" \${path:+$path/}\${COMP_WORDS[i]} "*) path="\${path:+$path/}\${COMP_WORDS[i]}" ;;
      *) break ;;
    esac
  done
  case "\${path//\\// }" in
${cases(entries)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}
complete -o filenames -F _bulkhead bulkhead
`;

const fish = (entries: readonly Entry[]): string =>
  entries
    .flatMap(({ path, words, takesPlugin }) => {
      const when = path === "" ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${path.split(" ").at(-1)}`;
      const names = takesPlugin ? [`complete -c bulkhead -n '${when}' -a '(bulkhead ${NAMES} 2>/dev/null)'\n`] : [];
      const known = words.map((word) =>
        word.startsWith("--")
          ? `complete -c bulkhead -n '${when}' -l ${word.slice(2)}\n`
          : `complete -c bulkhead -n '${when}' -a ${word}\n`,
      );
      return [...names, ...known];
    })
    .join("");

const SCRIPTS = {
  bash,
  zsh: (entries: readonly Entry[]) => `autoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`,
  fish,
};
