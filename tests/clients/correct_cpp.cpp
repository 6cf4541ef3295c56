// correct_cpp.cpp - a correct client in C++, as written for the public SDK's classes: one or more devices,
// one thread each, backup and restore. Same obligations as correct_c.c (spec 9, 15).
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "client_common.h"
#include "vdi.h"
#include "vdierror.h"

namespace {

struct FileCloser {
    void operator()(FILE *file) const
    {
        fclose(file);
    }
};
using File = std::unique_ptr<FILE, FileCloser>;

// Everything one backup or restore needs; its destructor runs when no thread uses the set any more.
class Transfer {
   public:
    explicit Transfer(operation *op)
        : op_(op), files_(operation_options(op)->devices), devices_(files_.size()), writes_(files_.size())
    {
    }

    void run()
    {
        if (open_files()) {
            over_set();
        }
    }

   private:
    bool open_files()
    {
        for (size_t i = 0; i < files_.size(); i++) {
            files_[i].reset(store_open(op_, static_cast<int>(i), ".bak"));
            if (!files_[i]) {
                operation_fail(op_, "cannot open the file of device %zu: %s", i, strerror(errno));
                return false;
            }
        }
        return true;
    }

    void over_set()
    {
        char name[CLIENT_NAME_MAX];
        VDConfig config = {};

        config.deviceCount = static_cast<uint32_t>(files_.size());
        config.features = VDF_LikePipe;
        operation_device_name(op_, 0, name);
        int result = set_.Create(name, &config);
        if (result != 0) {  // there is no set: nothing to abort or close
            operation_fail(op_, "Create returned %s", client_result_name(result));
            return;
        }
        int error = operation_start_statement(op_);
        if (error != 0) {
            operation_fail(op_, "cannot start sqlcmd: %s", strerror(error));
            set_.SignalAbort();
        } else if (configure(config) && open_devices()) {
            serve_devices();
        }
        result = set_.Close();
        if (result != 0) {
            operation_fail(op_, "Close returned %s", client_result_name(result));
        }
    }

    // Waits in slices: a statement that fails before it reaches the set tells nobody here (VDI-GETCFG-003).
    bool configure(VDConfig &config)
    {
        int result;

        do {
            result = set_.GetConfiguration(CLIENT_SLICE_MS, &config);
        } while (result == VD_E_TIMEOUT && operation_may_wait(op_));
        if (result != 0) {
            give_up("GetConfiguration", result);
        }
        return result == 0;
    }

    bool open_devices()
    {
        for (size_t i = 0; i < devices_.size(); i++) {
            char name[CLIENT_NAME_MAX];

            operation_device_name(op_, static_cast<int>(i), name);
            int result = set_.OpenDevice(name, &devices_[i]);
            if (result != 0) {
                give_up("OpenDevice", result);
                return false;
            }
        }
        return true;
    }

    void serve_devices()
    {
        std::vector<std::thread> threads;

        try {
            for (size_t i = 0; i < devices_.size(); i++) {
                threads.emplace_back(&Transfer::serve, this, i);
            }
        } catch (const std::exception &error) {  // of the system, or std::bad_alloc
            operation_fail(op_, "cannot start a thread: %s", error.what());
            set_.SignalAbort();
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
    }

    // A device's thread: until VD_E_CLOSE, or until a call fails.
    void serve(size_t index)
    {
        for (;;) {
            VDC_Command *command = nullptr;
            int result = devices_[index]->GetCommand(CLIENT_SLICE_MS, &command);

            if (result == VD_E_TIMEOUT && operation_may_wait(op_)) {
                continue;
            }
            if (result == VD_E_CLOSE) {
                return;
            }
            if (result != 0) {
                give_up("GetCommand", result);
                return;
            }
            operation_progress(op_);
            size_t done = 0;
            int code = perform(index, *command, done);
            result = devices_[index]->CompleteCommand(command, code, done, 0);
            if (result != 0) {
                give_up("CompleteCommand", result);
                return;
            }
        }
    }

    int perform(size_t index, const VDC_Command &command, size_t &done)
    {
        FILE *file = files_[index].get();
        int code;

        switch (command.commandCode) {
        case VDC_Write:
            code = ++writes_[index] == operation_options(op_)->fail_write
                       ? static_cast<int>(CLIENT_ERROR_WRITE_FAULT)
                       : store_write(file, command.buffer, static_cast<size_t>(command.size), &done);
            break;
        case VDC_Read:
            return store_read(file, command.buffer, static_cast<size_t>(command.size), &done);
        case VDC_Flush:
            code = store_sync(file);
            break;
        case VDC_ClearError:
            return ERROR_SUCCESS;
        default:
            return ERROR_NOT_SUPPORTED;  // VDI-CMD-008
        }
        if (code != ERROR_SUCCESS) {
            operation_fail(op_, "device %zu: cannot store, Win32 error %d", index, code);
        }
        return code;
    }

    // After VD_E_ABORT only Close is left to call (VDI-GETCMD-003).
    void give_up(const char *call, int result)
    {
        operation_fail(op_, "%s returned %s", call, client_result_name(result));
        if (result != VD_E_ABORT) {
            set_.SignalAbort();
        }
    }

    operation *op_;
    std::vector<File> files_;
    std::vector<ClientVirtualDevice *> devices_;
    std::vector<int> writes_;  // seen so far, for --fail-write
    ClientVirtualDeviceSet set_;
};

void work(operation *op)
{
    Transfer(op).run();
}

}  // namespace

int main(int argc, char **argv)
{
    client_options options = {};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, work);
}
