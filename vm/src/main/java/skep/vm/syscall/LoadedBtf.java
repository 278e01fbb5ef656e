package skep.vm.syscall;

import skep.btf.Btf;

/** Types that were loaded, by number. */
record LoadedBtf(int id, Btf btf) implements AutoCloseable {
    @Override
    public void close() {}
}
