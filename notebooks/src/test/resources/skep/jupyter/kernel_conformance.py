"""Jupyter's own kernel tests, every optional attribute set. Run with JUPYTER_PATH pointing to the kernel's specification."""
import unittest

import jupyter_kernel_test
from jupyter_client.manager import start_new_kernel

PATIENCE_SECONDS = 120

# How long it waits for an answer; the machine may be busy.
jupyter_kernel_test.TIMEOUT = PATIENCE_SECONDS


class SkepKernelTests(jupyter_kernel_test.KernelTests):
    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name=cls.kernel_name, startup_timeout=PATIENCE_SECONDS)
        # What a cell shows may come later than its reply, by more than the tenth of a second that the tests wait.
        get_msg = cls.kc.iopub_channel.get_msg

        async def patient(timeout=None):
            return await get_msg(timeout=PATIENCE_SECONDS)

        cls.kc.iopub_channel.get_msg = patient

    def get_non_kernel_info_reply(self, timeout=None):
        return super().get_non_kernel_info_reply(timeout=PATIENCE_SECONDS)

    def flush_channels(self):
        """All that came before the answer to a last question is gone; messages of a channel keep their order."""
        question = self.kc.kernel_info()
        while self.kc.get_shell_msg(timeout=PATIENCE_SECONDS)["parent_header"].get("msg_id") != question:
            pass
        idle = False
        while not idle:
            message = self.kc.get_iopub_msg(timeout=PATIENCE_SECONDS)
            idle = message["parent_header"].get("msg_id") == question and message["content"].get("execution_state") == "idle"

    kernel_name = "skep"
    language_name = "skep"
    file_extension = ".bt"
    code_hello_world = 'begin { printf("hello, world\\n"); exit(); }'
    code_stderr = "%%sh\necho oops >&2"
    completion_samples = [
        {"text": "kpro", "matches": {"kprobe:"}},
        {"text": "%%sk", "matches": {"%%skep"}},
        {"text": "kprobe:vfs_read { @bytes = sum(arg2); } interval:s:1 { print(@b", "matches": {"@bytes"}},
    ]
    complete_code_samples = ["kprobe:vfs_read { @ = count(); }", "%target", ""]
    incomplete_code_samples = ["kprobe:vfs_read { @ = count();", "begin { printf("]
    invalid_code_samples = ["kprobe:vfs_read }"]
    code_page_something = "%help"
    code_generate_error = "kprobe:vfs_read { nosuch(); }"
    code_execute_result = [
        {"code": "%duration 2s", "result": "2 s"},
        {"code": "%target", "result": "embedded"},
    ]
    code_display_data = [
        {"code": "%%skep --target embedded:speed=max --duration 300ms\nkprobe:vfs_read { @ = hist(arg2); }", "mime": "text/plain"},
    ]
    code_history_pattern = "%targ*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "tracepoint:sched:sched_switch"
    code_clear_output = "%clear"


if __name__ == "__main__":
    unittest.main(verbosity=2)
