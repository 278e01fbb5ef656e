# The commands of the README, run by ./check as a person would type them: try NAME PATTERN COMMAND…
try "BEGIN and exit on the embedded kernel" '^' ./skep --target embedded -e 'BEGIN { exit(); }'
try "slab objects by address, embedded" '@us:|@\[' ./skep --target embedded:speed=max \
  -e 'kprobe:kmem_cache_free { @[arg1] = count(); } kretprobe:kmem_cache_alloc { @us = hist(nsecs % 1000); }' --duration 1s
try "the customer's line, braces" '^' ./skep --target embedded:speed=max --duration 100ms -e 'kprobe:kmem_cache_free { @[arg1] = delete; }'
try "the customer's line, angle brackets" '^' ./skep --target embedded:speed=max --duration 100ms -e 'kprobe:kmem_cache_free < @[arg1] = delete; >'
if [ "$(id -u)" = 0 ] && ./skep -e 'BEGIN { exit(); }' >/dev/null 2>&1 </dev/null; then
  try "system calls of a command, live kernel" '@\[[0-9]+\]: [0-9]+' ./skep \
    -e 'tracepoint:raw_syscalls:sys_enter /pid == cpid/ { @[args.id] = count(); }' -c 'ls -R /usr/share/doc'
else
  skipped_commands=$((skipped_commands + 1))
  echo "   SKIP  live kernel: this user may not trace it here: $(./skep -e 'BEGIN { exit(); }' 2>&1 </dev/null | head -n 1)"
fi
try "JavaScript on the embedded kernel" '^true$' ./skep js --target embedded:speed=max .ci/reads.mjs
try "JShell" '^true$' bash -c 'echo "System.out.println(trace(\"kprobe:vfs_read { @ = count(); }\", 0.2).number(\"@\") > 0)" | ./skep jshell -s -'
try "the Jupyter kernel is installed" 'installed the kernel' ./skep jupyter install --prefix cli/target/jupyter
try "the gallery's Jupyter, or how to install one" 'usage: skep notebook' ./skep notebook --help
try "Python" '^hello from Python$' ./skep py .ci/hello.py
if [ -e /usr/sbin/opensnoop-bpfcc ]; then
  try "a BCC tool as Debian installs it, embedded" '^ *[0-9]+ +[^ ]+ +-?[0-9]+ +[0-9]+ ' ./skep bcc --target embedded /usr/sbin/opensnoop-bpfcc -d 1
  try "a BCC tool by its name" 'usage: opensnoop-bpfcc' ./skep bcc --target embedded opensnoop -h
else
  skipped_commands=$((skipped_commands + 1))
  echo "   SKIP  a BCC tool: bpfcc-tools is not installed"
fi
