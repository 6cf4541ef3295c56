/* scenario_words.h - the usual beginnings and ends of a client's verbs and of the log they give (harness.h).
 */
#ifndef TEST_INJECT_SCENARIO_WORDS_H
#define TEST_INJECT_SCENARIO_WORDS_H

#define OPENING          "init create:1 config open "
#define OPENED           "Create=NOERROR GetConfiguration=NOERROR OpenDevice:0=NOERROR "
#define OPENING2         "init create:2 config open open "
#define OPENED2          OPENED "OpenDevice:1=NOERROR "
#define GOT              "GetCommand:0=NOERROR "
#define DONE             "CompleteCommand:0=NOERROR "
#define COMMAND          "get:0 complete:0 "
#define COMMAND_LOG      GOT DONE
#define ALL_COMMANDS     COMMAND COMMAND COMMAND COMMAND
#define ALL_COMMANDS_LOG COMMAND_LOG COMMAND_LOG COMMAND_LOG COMMAND_LOG

#endif
