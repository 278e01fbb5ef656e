"""Jupyter's own kernel tests, every optional attribute set. Run with JUPYTER_PATH pointing to the kernel's specification."""
import unittest

import jupyter_kernel_test


class SkepKernelTests(jupyter_kernel_test.KernelTests):
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
