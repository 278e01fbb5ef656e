package skep.events.embedded;

/** Sections in which a CPU takes no interrupts, and the calls by which a guest's idle CPU yields to its hypervisor. */
final class CriticalSections {
    /** The number by which a guest gives its processor up on PowerVM; the model has it on every architecture. */
    private static final long H_CEDE = 0xe0;

    private final EmbeddedKernel kernel;
    private final Tracepoint irqDisable;
    private final Tracepoint irqEnable;
    private final Tracepoint preemptDisable;
    private final Tracepoint preemptEnable;
    private final Tracepoint hypervisorEntry;
    private final Tracepoint hypervisorExit;

    CriticalSections(EmbeddedKernel kernel) {
        this.kernel = kernel;
        var fields = "s32 caller_offs; s32 parent_offs";
        var raw = "unsigned long ip, unsigned long parent_ip";
        irqDisable = kernel.tracepoint("preemptirq", "irq_disable", fields, raw);
        irqEnable = kernel.tracepoint("preemptirq", "irq_enable", fields, raw);
        preemptDisable = kernel.tracepoint("preemptirq", "preempt_disable", fields, raw);
        preemptEnable = kernel.tracepoint("preemptirq", "preempt_enable", fields, raw);
        hypervisorEntry = kernel.tracepoint(
                "powerpc", "hcall_entry", "unsigned long opcode", "unsigned long opcode, unsigned long *args");
        hypervisorExit = kernel.tracepoint(
                "powerpc",
                "hcall_exit",
                "unsigned long opcode; long retval",
                "unsigned long opcode, long retval, unsigned long *retbuf");
        kernel.symbols.addData("_stext", kernel.addresses.text());
    }

    /** The routine that runs takes no interrupts from here on. */
    void disable(Task task) {
        fire(irqDisable, task);
        fire(preemptDisable, task);
    }

    void enable(Task task) {
        fire(preemptEnable, task);
        fire(irqEnable, task);
    }

    private void fire(Tracepoint point, Task task) {
        if (point.active()) {
            var frame = task.top();
            long ip = frame.routine.returnAddress(frame.pc);
            long parent = Firing.returnAddress(task, task.depth);
            kernel.tracer.raw(point, task, ip, parent);
            kernel.tracer
                    .begin(point, task)
                    .num(ip - kernel.addresses.text())
                    .num(parent - kernel.addresses.text())
                    .fire();
        }
    }

    /** An idle CPU gives its time back. */
    void yieldToHypervisor(Task task) {
        if (hypervisorEntry.active()) {
            kernel.tracer.raw(hypervisorEntry, task, H_CEDE, 0);
            kernel.tracer.begin(hypervisorEntry, task).num(H_CEDE).fire();
        }
        if (hypervisorExit.active()) {
            kernel.tracer.raw(hypervisorExit, task, H_CEDE, 0, 0);
            kernel.tracer.begin(hypervisorExit, task).num(H_CEDE).num(0).fire();
        }
    }
}
