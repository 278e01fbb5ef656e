import {trace} from 'skep';
const t = await trace('kprobe:vfs_read { @ = count(); }', {duration: 0.2});
console.log(t.value('@') > 0);
