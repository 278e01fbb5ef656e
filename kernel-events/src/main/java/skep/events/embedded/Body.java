package skep.events.embedded;

/**
 * What a routine does, as a small state machine: each call is one step, chosen by {@link Frame#next}. A step spends time
 * ({@link Task#work}), calls ({@link Task#call}), blocks or returns ({@link Task#ret}) at most once, as its last action.
 * Between two steps other CPUs run and interrupts arrive, as between instructions.
 */
@FunctionalInterface
interface Body {
    void step(Task task, Frame frame);
}
