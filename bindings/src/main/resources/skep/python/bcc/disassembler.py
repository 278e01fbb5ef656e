"""Programs and tables as text."""


def disassemble_prog(func_name, bpfstr):
    return "Disassemble of %s: see ./skep --stages codegen" % func_name
