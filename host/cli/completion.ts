// `bulkhead completion`: what a shell needs to complete commands and options, made from the commands themselves.

import { Argument, type Command } from "commander";

interface Entry {
  /** The words before, such as `secret`. */
  readonly path: string;
  readonly words: readonly string[];
}

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description('print what a shell needs to complete commands and options: eval "$(bulkhead completion bash)"')
    .addArgument(new Argument("<shell>", "your shell").choices(["bash", "zsh", "fish"]))
    .action((shell: "bash" | "zsh" | "fish") => {
      process.stdout.write(SCRIPTS[shell](entriesOf(program, "")));
    });
}

function entriesOf(command: Command, path: string): Entry[] {
  const options = command.options.flatMap(({ long }) => long ?? []);
  const names = command.commands.map((one) => one.name());
  const below = command.commands.flatMap((one) => entriesOf(one, `${path} ${one.name()}`.trim()));
  return [{ path, words: [...names, ...options, "--help"] }, ...below];
}

const cases = (entries: readonly Entry[]): string =>
  entries.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`).join("\n");

// Words up to the first option are the command; files complete as usual.
const bash = (entries: readonly Entry[]): string => `_bulkhead() {
  local words path="" i current="\${COMP_WORDS[COMP_CWORD]}"
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
    .flatMap(({ path, words }) => {
      const when = path === "" ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${path.split(" ").at(-1)}`;
      return words.map((word) =>
        word.startsWith("--")
          ? `complete -c bulkhead -n '${when}' -l ${word.slice(2)}\n`
          : `complete -c bulkhead -n '${when}' -a ${word}\n`,
      );
    })
    .join("");

const SCRIPTS = {
  bash,
  zsh: (entries: readonly Entry[]) => `autoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`,
  fish,
};
