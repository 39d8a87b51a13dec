/** What the scanner found, as bits: one for each rule that asks. */
export const shellSigns = {
  /** A separator, a program and what only an argument looks like; or a program nobody writes of in passing. */
  chained: 1,
  /** A separator and a program's name that is also a word. */
  word: 2,
  /** `$(program …)`, `` `program …` ``. */
  substitution: 4,
  /** The whole text is a command line. */
  line: 8,
} as const;

const set = (list: string): ReadonlySet<string> => new Set(list.split(" "));

/** Programs whose names are no words of a language. */
const programs = set(
  "whoami uname ifconfig ipconfig netstat systeminfo tasklist printenv nslookup wget curl ncat netcat powershell powershell.exe pwsh certutil certutil.exe bitsadmin wmic rundll32 regsvr32 mshta cscript wscript traceroute tracert lsb_release busybox socat nmap tcpdump iptables chmod chown useradd adduser mkfifo xterm lsof crontab telnet xxd gawk mawk systemctl nbtstat getmac schtasks phpinfo cmd.exe nproc lscpu lsusb dmesg fping hping3 fsockopen ipaddr pwdx sh.exe taskkill netsh vssadmin icacls attrib gzip gunzip bzip2 getent env.exe passthru shell_exec popen proc_open msfvenom chroot insmod rmmod sysctl pkill killall visudo sudoedit ssh-keygen hostnamectl dpkg apt-get rpm journalctl nohup strace ltrace ftpget whoami.exe net.exe ping.exe hostname.exe ver.exe tftp bash zsh ksh csh tcsh",
);
/** Programs whose names are words too, or columns, or too short to mean anything. */
const words = set(
  "id ls cat dir echo sleep ping ping6 ps pwd type set env find sort more less head tail w who date time net host hostname dig php perl ruby python python2 python3 node lua java sh dash fish nc rm cp mv touch kill top df du mount export source exec eval printf print test start copy del move ren rename mkdir rmdir shutdown reboot halt tar zip unzip gcc make man vi vim nano mail ftp scp ssh rsync expr tee xargs grep egrep fgrep cut tr wc nl od strings diff vdir tac rev ver cmd call timeout getent locate which whereis last finger uptime users groups awk sed base64 ip arp route ss sudo su service docker kubectl history alias system passwd free vmstat iostat pg_dump mysql psql sqlplus openssl jobs ld stat file ed ex irb gdb init dd sdiff comm paste fold column shuf split csplit",
);

/** The words among them that a sentence may go on with behind `&` or `;`: only a path or an option is an argument. */
const english = set(
  "more less find sort top who date time set test cut host head tail make print start touch look help copy move free history users groups man column fold join last timeout call service which alias jobs type file time mail eval exec read expr stat tee paste export source comm mount look env",
);
const plainArgument =
  /^\s{1,3}(?:-{1,2}[a-z]|\/(?:[a-z]|\s-)|\.{1,2}\/|https?:|\$[a-z({]|%[a-z]{3,12}%|[a-z]:\\(?:windows|boot|winnt|inetpub))/;

/** Separators that are looked at; a page of code has fewer, and each costs a bounded look ahead. */
const separatorsMax = 512;
/** A value that a program's name alone stands in behind a separator: an address, a number, a word. */
const shortValue = 48;

const argument =
  /^(?:\s{1,3}|(?=[<>$&]))(?:-{1,2}[a-z0-9?]|-\s|\/[a-z0-9?*.]|\/$|~|\$|\.{1,2}\/|\.\s?(?:$|[;|&])|https?:|ftp:|\d{1,3}(?:\.\d{1,3}){3}|"|'[^s]|[<>]|%[a-z{]|[a-z]:|\*|@|\\|`|&\d|[a-z0-9_.-]{1,60}(?:\.(?:txt|php|ini|sh|exe|conf|cfg|log|xml|py|pl|bak|sql|key|pem|bat|ps1|so|jsp|aspx?|html?|db|env|yml|json)\b|\/[a-z0-9_.]{1,40}))/;
const ended = /^\s{0,3}(?:$|[;|&`)\n#>}]|"?\s?$|'?\s?$)/;

/** A first line that is one word, behind which the second can be a command. */
const firstLineMax = 32;
/** As much of a command as is looked at. */
const commandCharactersMax = 160;
const contextCharacters = 256;

/**
 * A command line as a shell reads it: quotes and backslashes inside words gone, `$IFS` a space, `$@` and unset
 * positions nothing, `{cat,/x}` spread.
 */
function unquoteShell(text: string): string {
  return text
    .replace(/\$\{?ifs\}?(?:\$\d)?(?![a-z])/g, " ")
    .replace(/\$[@*!]|\$\{[@*]\}/g, "")
    .replace(/\{([a-z]{2,10}),([^{},]{1,80})(?:,([^{},]{1,80}))?\}/g, "$1 $2 $3")
    .replace(/(?<=[a-z/])(?:''|""|``|\\)(?=[a-z/])|(?<=[a-z/])['"](?=[a-z])|(?<=[a-z])['"](?=[a-z])/g, "")
    .replace(/\^(?=[a-z])/g, "");
}

/** Reads lower-case text as a shell finds commands: at each separator one word, and what stands behind it. */
export function scanShell(text: string): number {
  let signs = judgeLine(text);
  const separator = /[;|&`\n]|\$\(|[<>]\(/g;
  for (let left = separatorsMax; left > 0; left -= 1) {
    const found = separator.exec(text);
    if (found === null) break;
    const at = found.index;
    if (found[0] === "\n" && at > firstLineMax) continue;
    signs |= judgeCommand(text, at, found[0]);
    const behind = text.slice(at + found[0].length, at + found[0].length + commandCharactersMax);
    if (!/^[^\n]{0,48}?['"\\$^{]/.test(behind)) continue;
    // Once more as the shell reads the words, with enough before them to see what they follow.
    const before = text.slice(Math.max(0, at - contextCharacters), at);
    const words_ = unquoteShell(behind);
    if (words_ !== behind) signs |= judgeCommand(`${before}${found[0]}${words_}`, before.length, found[0]);
  }
  return signs;
}

interface Command {
  readonly name: string;
  readonly path: string;
  readonly rest: string;
}

function readCommand(text: string, from: number): Command | null {
  const found =
    /^[\s;|&(!'"]{0,6}(?:(?:sudo|nohup|exec|time|command|then|do|else|if|while|env|nice|call|start|\/c|@)\s){0,2}((?:[a-z]:)?(?:[a-z0-9_.?*[\]~-]{0,24}[/\\]){0,8})([a-z0-9_?*[\]][a-z0-9_.?*[\]+-]{0,24})/.exec(
      text.slice(from, from + 160),
    );
  if (found === null) return null;
  return {
    path: found[1] ?? "",
    name: found[2] ?? "",
    rest: text.slice(from + found[0].length, from + found[0].length + 96),
  };
}

function judgeCommand(text: string, at: number, separator: string): number {
  const command = readCommand(text, at + separator.length);
  if (command === null) return 0;
  const { name, path, rest } = command;
  const isProgram = programs.has(name);
  const isPath =
    /^(?:\/(?:usr\/(?:local\/)?)?s?bin\/|[/.]{1,2}(?:usr|bin|sbin)\/|[a-z]:[\\/])/.test(path) ||
    /^\/[a-z?*]{1,8}\/.*[?*]/.test(path + name);
  if (!isProgram && !isPath && !(words.has(name) && path === "")) return 0;
  // `&sort=asc`, `find: …`, `| id_of |`
  if (/^\s?[=:,]/.test(rest) && !/^:\w/.test(rest)) return 0;
  if (/^[<>$]./.test(separator)) return /^[^(){}]{0,96}(?:\)|$)/.test(rest) ? shellSigns.substitution : shellSigns.word;
  if (separator === "`" && (text[at - 1] === "`" || text[at + 1] === "`")) return 0;
  if (separator === "`") return judgeBackticks(text, at, rest, isProgram || isPath);
  const arguments_ = (english.has(name) ? plainArgument : argument).test(rest);
  // A second line is a command behind one word; behind a sentence it is the next sentence.
  if (separator === "\n" && !/^[\w.@:/-]{0,24}["']?$/.test(text.slice(0, at))) return 0;
  if (isPath) return shellSigns.chained;
  if (isProgram)
    return arguments_ || /^\s[\w-]{1,40}\.[a-z0-9.-]{2,60}/.test(rest) || ended.test(rest) || text.length - at < 24
      ? shellSigns.chained
      : shellSigns.word;
  if (arguments_)
    return name === "set" || name === "type" || name === "file"
      ? shellSigns.word | (text.length < 80 ? shellSigns.chained : 0)
      : shellSigns.chained;
  if (/^\s\d{1,5}\s?(?:$|[;|&)`"'])/.test(rest) && /^(?:sleep|echo|ping|timeout|expr|kill|exit|print)$/.test(name))
    return shellSigns.chained;
  if (
    (name === "net" ||
      name === "type" ||
      name === "echo" ||
      name === "dir" ||
      name === "ping" ||
      name === "cat" ||
      name === "php" ||
      name === "ping6" ||
      name === "ls" ||
      name === "ps" ||
      name === "su") &&
    isLeading(text, at) &&
    /^\s(?:user|localgroup|view|share|start|localhost|[a-z0-9_]{1,30}\s?(?:$|[;|&"']))/.test(rest)
  )
    return shellSigns.chained;
  if (!ended.test(rest)) return 0;
  if (english.has(name) && !/^(?:date|who|env|set|history|users)$/.test(name)) return shellSigns.word;
  return isLeading(text, at) ? shellSigns.chained : shellSigns.word;
}

/** The separator comes first, or right after one short word: nothing that a list begins with. */
function isLeading(text: string, at: number): boolean {
  if (text.length > shortValue * 2) return false;
  const before = text.slice(0, at).replace(/[;|&\s"'`]{1,8}$/, "");
  const isTable = (text.match(/\|/g)?.length ?? 0) > 2 && !/\|\|/.test(text);
  if (before === "") return !isTable;
  // `Passport | ID`: a space on both sides and a word before is how titles are written.
  if (/[a-z]\s[|&]\s?$/.test(text.slice(0, at + 1)) || /^[a-z]{1,40}\s$/.test(text.slice(0, at))) return false;
  return (
    !/[\s;,|]/.test(before) && before.length < shortValue && !/^[a-z_]{2,20}([;|])[a-z_]{2,20}\1[a-z_]{2,20}/.test(text)
  );
}

/** In prose backticks name a program; alone, or glued to a value, they run it. */
function judgeBackticks(text: string, at: number, rest: string, isProgram: boolean): number {
  const close = text.indexOf("`", at + 1);
  if (close === -1 || close - at > 120) return 0;
  const outside = `${text.slice(0, at)}${text.slice(close + 1)}`.trim();
  const glued = /[a-z0-9=]$/.test(text.slice(Math.max(0, at - 1), at));
  if (outside.length < 24 && /^[\w=.:/@"'-]*$/.test(outside)) return shellSigns.substitution;
  return (glued || /^[^`]{0,60}[|;<>&]/.test(rest)) && isProgram && text.length < 200
    ? shellSigns.substitution
    : shellSigns.word;
}

/** `cat /etc/passwd`, `ping -c 3 x`: nothing but a command line. */
function judgeLine(text: string): number {
  if (text.length > 256) return 0;
  // Cheaper than reading a command: most texts begin with another word.
  const first = /^[a-z0-9_./-]{1,60}/.exec(text)?.[0] ?? "";
  const name = first.slice(first.lastIndexOf("/") + 1);
  if (!programs.has(name) && !words.has(name)) return 0;
  const command = readCommand(text, 0);
  if (command === null || !(programs.has(command.name) || words.has(command.name))) return 0;
  return argument.test(command.rest) && /^\s/.test(command.rest) ? shellSigns.line : 0;
}
